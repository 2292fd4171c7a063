"""An implementation of small_vectors' `double` behind the protocol of --impl-cmd, which misbehaves as it is told to.

`python small_harness.py FOLDER [MISDEED]`: it writes the number of each of its processes, and of what they start, to
FOLDER/processes. The misdeed happens in the second call, and in it alone, of double_backward in float32. Needs the
standard library alone, so that it starts fast.
"""

import json
import os
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from pathlib import Path
from struct import pack, unpack

CODES = {"float64": "d", "float32": "f", "float16": "e"}
SECOND_UPSTREAM = 2.25
"""The first number of the upstream of the second case."""
START = {
    "protocol": 1,
    "name": "small",
    "version": "1.2",
    "language": "Esperanto",
    "operations": {"double": ["forward", "backward"]},
    "dtypes": ["float64", "float32"],
}


def main(folder: Path, misdeed: str) -> None:
    note(folder, os.getpid())
    for line in sys.stdin:
        request = json.loads(line)
        match request["command"]:
            case "stop":
                stop(misdeed)
                return
            case "start":
                reply = start(request, misdeed)
            case "call":
                if is_the_call(request):
                    do(misdeed, folder, request)
                reply = call(request)
        if misdeed == "malformed" and request["command"] == "call" and is_the_call(request):
            reply["results"][0]["data"] = ""
        say({"id": request["id"], **reply})


def note(folder: Path, process: int) -> None:
    with (folder / "processes").open("a") as file:
        file.write(f"{process}\n")


def say(message: object) -> None:
    sys.stdout.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
    sys.stdout.flush()


def complain(words: str) -> None:
    sys.stderr.write(words)
    sys.stderr.flush()


def start(request: dict, misdeed: str) -> dict:
    match misdeed:
        case "no-start":
            complain("Segmentation fault, or some such\n")
            sys.exit(7)
        case "start-error":
            return {"error": "no GPU found"}
        case "start-hangs":
            time.sleep(1000)
        case "options":
            return {**START, "name": json.dumps(request["options"])}
        case _ if misdeed.startswith("{"):
            return {**START, **json.loads(misdeed)}
    return START


def stop(misdeed: str) -> None:
    if misdeed == "stop-status":
        complain("leaked 12 bytes\n")
        sys.exit(23)
    if misdeed == "stop-hangs":
        time.sleep(1000)
    while misdeed == "stop-floods":
        sys.stdout.write("so much more to say\n" * 10_000)


def is_the_call(request: dict) -> bool:
    tensor = request["arguments"][0]
    return (request["operation"], request["direction"], tensor["dtype"]) == ("double", "backward", "float32") and (
        numbers(tensor)[0] == SECOND_UPSTREAM
    )


def do(misdeed: str, folder: Path, request: dict) -> None:
    match misdeed:
        case "ends":
            complain("first line\nout of luck\n")
            os._exit(3)
        case "aborts":
            os.abort()
        case "ends-once":
            try:
                (folder / "once").mkdir()
            except FileExistsError:
                return
            os._exit(3)
        case "hangs" | "hangs-with-a-daemon":
            if misdeed == "hangs-with-a-daemon":
                note(folder, subprocess.Popen(["sleep", "1000"], start_new_session=True).pid)
            complain("thinking\n")
            (folder / "hangs").touch()
            time.sleep(1000)
        case "garbage":
            say("weights are fine")
        case "half-a-line":
            sys.stdout.write('{"id": 1')
            sys.stdout.flush()
            os._exit(0)
        case "out-of-order":
            say({"id": request["id"] + 1, "results": []})
        case "floods":
            complain("a lot to say\n" * 300_000)
        case "closes":
            os.close(1)
            time.sleep(1000)
        case "starts-another":
            child = subprocess.Popen(["sleep", "1000"])
            note(folder, child.pid)
            os._exit(3)
        case "starts-a-daemon":
            child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
            note(folder, child.pid)
            os._exit(3)


def call(request: dict) -> dict:
    tensors = request["arguments"]
    values = numbers(tensors[0])
    if values and values[0] == 13:
        return {"error": "refused"}
    return {"results": [{**tensors[0], "data": data(tensors[0]["dtype"], [2 * value for value in values])}]}


def numbers(tensor: dict) -> tuple[float, ...]:
    held = b64decode(tensor["data"])
    code = CODES[tensor["dtype"]]
    size = {"d": 8, "f": 4, "e": 2}[code]
    return unpack(f"<{len(held) // size}{code}", held)


def data(dtype: str, values: list[float]) -> str:
    return b64encode(pack(f"<{len(values)}{CODES[dtype]}", *values)).decode()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
