"""In place of the package `spaces` 0.51 on ZeroGPU, with the processor for a GPU.

Like the real one it forks a process at the first call of a function, keeps it, runs each call on a
new thread there, and pickles what goes in and out. An error that is no `gr.Error` comes back as its
name alone.
"""

import io
import multiprocessing
import os
import pickle
import threading
from functools import partial, wraps

import gradio as gr
import torch
from gradio.context import LocalContext

forking = multiprocessing.get_context("fork")
calls = []  # name, seconds asked for, and whether the package could tell who the visitor is
processes = []  # they hold whatever files the one that they were forked from had open
refusal = None  # what the next calls raise in the page's process, as when no GPU is to be had


def failure(what):
    return gr.Error(what, title="ZeroGPU worker error", print_exception=False)


def GPU(task=None, *, duration=None, size=None):  # noqa: N802 - the package's name
    if task is None:
        return partial(GPU, duration=duration, size=size)
    workers = []

    @wraps(task)
    def handler(*args, **kwargs):
        seconds = duration(*args, **kwargs) if callable(duration) else duration
        calls.append((task.__name__, seconds, LocalContext.request.get(None) is not None))
        if refusal:
            raise refusal
        worker = workers.pop() if workers else Worker(task)
        if not worker.process.is_alive():
            worker = Worker(task)
        worker.pipe.send_bytes(pickle.dumps((args, kwargs)))
        try:
            result, error = pickle.loads(worker.pipe.recv_bytes())
        except EOFError:
            raise failure("GPU task aborted") from None
        if error:
            raise failure(error)
        workers.append(worker)
        return result

    return handler


class Pickler(pickle.Pickler):
    def reducer_override(self, value):
        if isinstance(value, torch.Tensor):
            raise pickle.PicklingError("a tensor would be on the GPU")
        return NotImplemented


class Worker:
    def __init__(self, task):
        self.pipe, other = forking.Pipe()
        self.process = forking.Process(target=self._serve, args=(task, other), daemon=True)
        self.process.start()
        processes.append(self.process)
        other.close()

    def _serve(self, task, pipe):
        self.pipe.close()
        while True:
            try:
                args, kwargs = pickle.loads(pipe.recv_bytes())
            except EOFError:
                os._exit(0)
            thread = threading.Thread(target=self._answer, args=(task, args, kwargs, pipe))
            thread.start()
            thread.join()

    @staticmethod
    def _answer(task, args, kwargs, pipe):
        try:
            file = io.BytesIO()
            Pickler(file).dump((task(*args, **kwargs), None))
            answer = file.getvalue()
        except Exception as error:
            answer = pickle.dumps((None, type(error).__name__))
        pipe.send_bytes(answer)
