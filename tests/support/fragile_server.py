"""A server of tasks that hangs or dies when it is told to. For the test of what outlives it."""

import os
import time
from multiprocessing.connection import Connection


def serve(connection: Connection) -> None:
    connection.send("ready")
    while True:
        match connection.recv():
            case ("hang",):
                time.sleep(60)
            case ("die",):
                os._exit(1)
            case task:
                connection.send(task)
