"""A place in the tokens of a search, and the small steps that a parser takes from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mendel.graph.errors import QueryError
from mendel.graph.query_lex import Kind, Token, tokens

if TYPE_CHECKING:
    from collections.abc import Collection


class Cursor:
    """One reading of one text. ``now`` is the token at hand."""

    def __init__(self, text: str, patterns: Collection[str] = ()) -> None:
        self.text = text
        self._tokens = tokens(text, patterns)
        self._place = 0

    # -- tokens --

    @property
    def now(self) -> Token:
        """The token at hand."""
        return self._tokens[self._place]

    @property
    def following(self) -> Token:
        """The token after the one at hand (END again at the end)."""
        return self._tokens[min(self._place + 1, len(self._tokens) - 1)]

    def at(self, kind: Kind) -> bool:
        """Tell whether the token at hand is of a kind."""
        return self.now.kind is kind

    def take(self) -> Token:
        """Return the token at hand and go on."""
        token = self.now
        if token.kind is not Kind.END:
            self._place += 1
        return token

    def word(self, token: Token | None = None) -> str:
        """Return a plain word in lower case, for keywords; empty for any other token."""
        token = self.now if token is None else token
        if token.kind is not Kind.NAME or token.quoted or len(token.parts) != 1:
            return ""
        return token.parts[0].lower()

    def symbol(self, *symbols: str) -> bool:
        """Take a symbol if it is at hand."""
        if self.at(Kind.SYMBOL) and self.now.value in symbols:
            self.take()
            return True
        return False

    def keyword(self, *words: str) -> bool:
        """Take a keyword if it is at hand."""
        if self.word() in words:
            self.take()
            return True
        return False

    def expect(self, symbol: str) -> None:
        """Take a symbol that must be there."""
        if not self.symbol(symbol):
            raise self.error(f"expected {symbol!r} here, not {self.shown()}.")

    def shown(self, token: Token | None = None) -> str:
        """Return how to call a token in an error."""
        token = token or self.now
        if token.kind is Kind.END:
            return "the end"
        piece = self.text[token.start : token.end]
        return repr(piece if len(piece) <= 40 else piece[:39] + "…")

    def error(self, problem: str, token: Token | None = None) -> QueryError:
        """Return an error that points at a token."""
        return QueryError(problem, self.text, (token or self.now).start)
