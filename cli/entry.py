"""How both programs end: the exit code, and one sentence for what went wrong."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from memcloud.errors import SettingsError, StartError

from .output import CliError, ExitCode, report


def run(app: typer.Typer, program: str, arguments: Sequence[str] | None = None) -> int:
    """Run a program with the arguments of the process or those given; return its exit code.

    What a user, a peer or the machine can do wrong ends in one sentence on standard error. What
    only we can do wrong comes out as the traceback that a bug report needs.
    """
    try:
        result = app(args=arguments, prog_name=program, standalone_mode=False)
    except CliError as error:
        return _failed(program, error, error.code)
    except SettingsError as error:
        return _failed(program, error, ExitCode.USAGE)
    except StartError as error:
        return _failed(program, error, ExitCode.ERROR)
    except typer.TyperException as error:
        return _misused(program, error)
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    return result if isinstance(result, int) else ExitCode.OK


def _failed(program: str, error: Exception, code: int) -> int:
    report(program, str(error))
    return code


def _misused(program: str, error: typer.TyperException) -> int:
    message = error.format_message()
    # Without a command the help is the message, and has more than one line.
    if "\n" in message:
        print(message)
    else:
        report(program, message[:1].lower() + message[1:])
    return ExitCode.USAGE
