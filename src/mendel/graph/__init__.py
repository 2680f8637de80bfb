"""What things are: frozen values and their language, in nothing but Python."""
