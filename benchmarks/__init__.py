"""The promises of Mendel in numbers, side by side with its peers: `make bench`."""
