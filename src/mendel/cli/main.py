"""The command ``mendel``: which commands there are, and what becomes of their errors.

A command's file is imported when the command is called, so that ``mendel --help`` and the shell's
completion stay fast however many commands there are.

Exit codes: 0 all went well; 1 it did not, and why was said; 2 the command line was not understood;
130 interrupted (Ctrl-C); 141 the reader of the output went away.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from mendel.graph.errors import MendelError, QueryError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

# section: {command: its first help line}; the file of a command is its name (import_ for import)
COMMANDS: dict[str, dict[str, str]] = {
    "Look": {
        "runs": "List runs: filter, sort, group, choose columns.",
        "show": "Show one run: params, metrics, curves, artifacts, errors.",
        "watch": "Follow a run while it runs.",
        "compare": "Compare runs: only what differs.",
        "best": "Show the best runs by a metric.",
        "search": "Find runs and experiments by words.",
        "experiments": "List experiments.",
    },
    "Decide": {
        "tag": "Set or remove tags of runs.",
        "note": "Read or write the note of a run.",
        "pin": "Protect runs from deletion.",
        "unpin": "Take the protection of pin away.",
        "rm": "Put runs into the trash.",
        "restore": "Take runs and experiments out of the trash.",
    },
    "Keep and move": {
        "export": "Write runs as open tables and files.",
        "import": "Take in runs from a folder, an export or a store.",
        "gc": "Empty the trash and free its space.",
        "du": "Show what takes the space.",
        "doctor": "Check a store and say what to do.",
        "rebuild": "Make the catalog anew from the journals.",
    },
    "Begin": {
        "demo": "See Mendel at work on real data: which flights of 2013 came late?",
        "config": "Show or set the settings, and where each comes from.",
        "completion": "Print the completion script of a shell.",
    },
}
_FLAT = {name: line for section in COMMANDS.values() for name, line in section.items()}
# command: (its file, what it is called there), where these are not (its name, "command_")
_PLACES = {"import": ("import_", "command_"), "unpin": ("pin", "unpin")}


class Front(click.Group):
    """The group of all commands, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands, in the order of the help."""
        return list(_FLAT)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if cmd_name not in _FLAT:
            return None
        file, attribute = _PLACES.get(cmd_name, (cmd_name, "command_"))
        found = getattr(importlib.import_module(f"mendel.cli.{file}"), attribute)
        assert isinstance(found, click.Command)  # noqa: S101 - narrows a lookup by name
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which ones are near."""
        if args and args[0] not in _FLAT and not args[0].startswith("-"):
            raise click.UsageError(f"no command {args[0]!r}{did_you_mean(args[0], _FLAT)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Print the commands by section, without importing them."""
        widest = max(map(len, _FLAT))
        for section, commands in COMMANDS.items():
            with formatter.section(section):
                formatter.write_dl([(f"{n:<{widest}}", line) for n, line in commands.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete a command's name without importing any."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(n, help=h) for n, h in _FLAT.items() if n.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command line; errors become one message and an exit code."""
        if not standalone_mode:
            return click.Group.main(self, *args, standalone_mode=False, **extra)  # type: ignore[call-overload]
        given = args[0] if args else extra.get("args")
        words = list(sys.argv[1:] if given is None else given)
        sys.exit(
            self._guarded(words or ["--help"], **{k: v for k, v in extra.items() if k != "args"})
        )

    def _guarded(self, words: Sequence[str], **extra: Any) -> int:
        from mendel.cli.out import BROKEN_PIPE, Out, PipeClosed

        out = Out(as_json="--json" in words)
        _show_warnings(out)
        try:
            code = super().main(list(words), standalone_mode=False, **extra)
            out.finish()
        except PipeClosed:
            return BROKEN_PIPE
        except (KeyboardInterrupt, click.Abort):
            return 130
        except click.ClickException as error:
            return _usage(out, error)
        except Exception as error:  # noqa: BLE001 - the door where errors become messages
            return _failed(out, error)
        return code if isinstance(code, int) else 0


def _usage(out: Any, error: click.ClickException) -> int:
    text = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    if context is not None and not out.as_json:
        text += f"\nSee: {context.command_path} --help"
    out.error("UsageError" if error.exit_code == 2 else type(error).__name__, text)
    return error.exit_code


def _failed(out: Any, error: Exception) -> int:
    if os.environ.get("MENDEL_DEBUG", "") not in {"", "0"}:
        import traceback

        traceback.print_exception(error)
    kind, position = type(error).__name__, None
    if isinstance(error, QueryError):
        position = error.position
        text = error.problem if out.as_json else str(error)
    elif isinstance(error, MendelError):
        text = str(error)
    elif isinstance(error, OSError):
        text = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
    else:
        text = (
            f"a defect in Mendel, not in what you typed ({kind}: {error}). Set MENDEL_DEBUG=1 "
            "to see where it is, and please report it."
        )
    out.error(kind, text, position)
    return 1


def _show_warnings(out: Any) -> None:
    import warnings

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if not issubclass(category, DeprecationWarning):
            out.warning(str(message))

    if not any(action == "error" for action, *_ in warnings.filters):  # tests make them errors
        warnings.showwarning = show


def _print_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    from mendel.cli.out import Out

    try:
        number = version("mendel")
    except PackageNotFoundError:  # run from a checkout
        number = "(not installed)"
    Out().line(f"mendel {number}")
    ctx.exit()


@click.group(
    cls=Front,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every command takes --store PATH, --json and --help.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
    help="Print the version.",
)  # fmt: skip
def cli() -> None:
    """Mendel: everything that was tried, recorded, found and compared."""


def main() -> None:
    """Run the command line of this process."""
    cli.main(prog_name="mendel")
