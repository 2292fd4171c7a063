"""A harness of small_vectors' `double` that misbehaves now and then: `python harness.py SEED`."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from typing import Any

import small_harness

MISDEEDS = (
    *("garbage", "nothing", "half", "no-utf-8", "utf-16", "mark", "zeros", "twice", "other-id", "no-id", "deep"),
    *("spoilt", "spoilt", "spoilt", "spoilt", "exit", "exit-0", "abort", "kill", "sleep", "stop", "errors", "close"),
    *("close-errors", "child", "daemon", "flood", "number", "duplicate", "surrogate", "slow", "long"),
)
VALUES = (None, True, -1, 2**40, 1.5, 10**30, "", "x\x1b[2J", "\u202e", "float32", "int64", "AAAA", "==", [], {}, [[]])


def main(seed: int) -> None:
    own = random.Random(seed)
    often = own.choice((0.02, 0.1, 0.5))
    for line in sys.stdin:
        request = json.loads(line)
        misdeed = own.choice(MISDEEDS) if own.random() < (often if request["command"] == "call" else 0.1) else ""
        if request["command"] == "stop":
            leave(misdeed)
            return
        reply = small_harness.START if request["command"] == "start" else small_harness.call(request)
        say(misdeed, {"id": request["id"], **reply}, own)


def leave(misdeed: str) -> None:
    if misdeed in ("sleep", "stop"):
        time.sleep(1000)
    while misdeed in ("flood", "long", "garbage", "errors"):
        (sys.stderr if misdeed == "errors" else sys.stdout).write("and another thing\n" * 1000)
    if misdeed in ("exit", "abort"):
        os._exit(3)


def say(misdeed: str, reply: dict[str, Any], own: random.Random) -> None:
    sound = json.dumps(reply)
    replies: dict[str, bytes] = {
        "garbage": own.randbytes(own.randrange(200)).replace(b"\n", b"") + b"\n",
        "nothing": b"\n",
        "no-utf-8": b"\xff" + sound.encode() + b"\n",
        "utf-16": sound.encode("utf-16") + b"\n",
        "mark": b"\xef\xbb\xbf" + sound.encode() + b"\n",
        "zeros": b"\0" * 100 + b"\n",
        "twice": (sound + "\n").encode() * 2,
        "other-id": json.dumps({**reply, "id": own.choice(VALUES)}).encode() + b"\n",
        "no-id": json.dumps({key: value for key, value in reply.items() if key != "id"}).encode() + b"\n",
        "deep": b"[" * 100_000 + b"\n",
        "flood": (sound + "\n").encode() * 10_000,
        "number": sound.replace("1", "1" * 5000, 1).encode() + b"\n",
        "duplicate": sound.replace("{", '{"id": 0, ', 1).encode() + b"\n",
        "surrogate": json.dumps({"id": reply["id"], "error": "\ud800\x1b[2J"}).encode() + b"\n",
        "spoilt": json.dumps(spoilt(reply, own)).encode() + b"\n",
    }
    do(misdeed, sound.encode())
    os.write(1, replies.get(misdeed, sound.encode() + b"\n"))


def do(misdeed: str, sound: bytes) -> None:
    match misdeed:
        case "half":
            os.write(1, sound[: len(sound) // 2])
            os._exit(0)
        case "exit" | "exit-0":
            os._exit(3 if misdeed == "exit" else 0)
        case "abort":
            os.abort()
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "sleep":
            time.sleep(1000)
        case "slow":
            time.sleep(0.05)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "errors":
            os.write(2, b"\x1b[2J no end of it\n" * 100_000)
        case "close":
            os.close(1)
            time.sleep(1000)
        case "close-errors":
            os.close(2)
        case "child" | "daemon":
            subprocess.Popen(["sleep", "1000"], start_new_session=misdeed == "daemon")
        case "long":
            while True:
                os.write(1, b"x" * 65536)


def spoilt(reply: dict[str, Any], own: random.Random) -> dict[str, Any]:
    """A reply with something else in one place."""
    changed = json.loads(json.dumps(reply))
    node, key = changed, own.choice(list(changed))
    while isinstance(node[key], dict | list) and node[key] and own.random() < 0.8:
        node = node[key]
        key = own.choice(list(node)) if isinstance(node, dict) else own.randrange(len(node))
    node[key] = own.choice(VALUES)
    return changed


if __name__ == "__main__":
    main(int(sys.argv[1]))
