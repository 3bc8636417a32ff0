"""Small programs that look at, or change, what a process shares with whoever runs it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Program:
    """One program.

    Args:
        files: its files, by name.
        command: what follows `python`.
        code: its exit code, or minus the signal that ends it.
        says: part of what it prints.
        stdin: its standard input.
        settings: `prepare`: Python that is run in its folder before; `slow`: only in the slow tests;
            `any errors`: what it writes on standard error depends on who runs it; `undiagnosed`: it leaves too little
            of Python for a diagnosis.
    """

    files: Mapping[str, str]
    command: tuple[str, ...] = ("script.py",)
    code: int = 0
    says: str = ""
    stdin: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def prepare(self) -> str:
        return self.settings.get("prepare", "")

    @property
    def is_slow(self) -> bool:
        return "slow" in self.settings

    @property
    def compares_errors(self) -> bool:
        return "any errors" not in self.settings

    @property
    def is_diagnosed(self) -> bool:
        return "undiagnosed" not in self.settings


def script(source: str, *arguments: str, code: int = 0, says: str = "", stdin: str = "", **settings: str) -> Program:
    """A program of one file."""
    words = {name.replace("_", " "): value for name, value in settings.items()}
    return Program(
        {"script.py": textwrap.dedent(source)}, ("script.py", *arguments), code, says=says, stdin=stdin, settings=words
    )


TRAIN = """
import hashlib, sys
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
x, y = torch.randn(256, 8), torch.randint(0, 3, (256,))
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

def train(epochs=3):
    for _ in range(epochs):
        for batch in torch.randperm(256).split(32):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()

def digest(model):
    return hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()
"""

LANGUAGE = {
    "argparse types from a dataclass": script(
        """
        import argparse, dataclasses
        @dataclasses.dataclass
        class Options:
            epochs: int = 3
            rate: float = 0.1
        parser = argparse.ArgumentParser()
        for field in dataclasses.fields(Options):
            parser.add_argument("--" + field.name, type=field.type, default=field.default)
        print(parser.parse_args())
        """,
        "--epochs",
        "5",
        says="epochs=5, rate=0.1",
    ),
    "annotations are values": script(
        """
        class Options:
            epochs: int
            names: list[str] = []
        def f(x: 1 + 1) -> print("evaluated"): ...
        print(Options.__annotations__, f.__annotations__, __annotations__)
        count: int = 3
        print(__annotations__)
        """,
        says="evaluated",
    ),
    "an annotation that does not exist": script("def f(x: Missing): ...\n", code=1),
    "its own future annotations": script(
        """
        from __future__ import annotations
        def f(x: Missing): ...
        print(f.__annotations__)
        """,
        says="'Missing'",
    ),
    "a syntax error": script("x = = 1\n", code=1),
    "a dataclass made at run time": script(
        """
        import dataclasses, typing
        code = "import dataclasses\\n@dataclasses.dataclass\\nclass A:\\n    x: int = 1\\n"
        names = {}
        exec(code, names)
        print(dataclasses.fields(names["A"])[0].type, typing.get_type_hints(names["A"]))
        eval(compile("print(__name__)", "inner", "exec"))
        """,
        says="<class 'int'>",
    ),
    "argparse help and errors": script(
        """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--epochs", type=int)
        parser.print_help()
        parser.parse_args()
        """,
        "--epochs",
        "many",
        code=2,
        says="usage: script.py",
    ),
    "options of ours are its own": script(
        "import sys\nprint(sys.argv)\n", "--runs", "x", "--debug", "--json", "--", "-m", says="['script.py', '--runs', "
    ),
    "recursion": script(
        """
        def deep(n):
            return 0 if n == 0 else 1 + deep(n - 1)
        print(deep(800))
        try:
            deep(10**6)
        except RecursionError as error:
            print("caught")
        """,
        says="caught",
    ),
    "an exception group with notes": script(
        """
        error = ExceptionGroup("several", [ValueError("one"), TypeError("two")])
        error.add_note("a note")
        raise error
        """,
        code=1,
    ),
    "source of its own functions": script(
        """
        import inspect, linecache, traceback
        def f():
            return 1  # one
        print(inspect.getsource(f), inspect.getfile(f) == __file__, linecache.getline(__file__, 3))
        try:
            f.missing
        except AttributeError:
            traceback.print_exc()
        """,
        says="return 1  # one",
    ),
    "doctest": script(
        '''
        def f():
            """
            >>> f()
            1
            """
            return 1
        import doctest
        print(doctest.testmod())
        ''',
        says="attempted=1",
    ),
    "unittest": script(
        """
        import unittest
        class Test(unittest.TestCase):
            def test_it(self):
                self.assertEqual(1, 2)
        unittest.main()
        """,
        code=1,
        any_errors="the time it took",
    ),
    "a low recursion limit at the end": script("import sys\nprint('done')\nsys.setrecursionlimit(90)\n", says="done"),
    "data beside main": Program(
        {
            "script.py": "import os\nprint(__loader__.get_data(os.path.join(os.path.dirname(__file__), 'data.txt')), __loader__.name)\n",
            "data.txt": "text",
        },
        says="b'text'",
    ),
}

STATE = """
import os
fd = os.open(os.devnull, os.O_RDONLY)
os.close(fd)
names = sorted(globals())
import decimal, faulthandler, gc, json, locale, logging, resource, signal, sys, threading
print(json.dumps({
    "names": names,
    "main": [__name__, __file__, __package__, str(__spec__), __cached__, __doc__, type(__loader__).__name__],
    "builtins": str(__builtins__),
    "descriptor": fd,
    "arguments": [sys.argv, sys.orig_argv],
    "path": sys.path,
    "environment": sorted(os.environ.items()),
    "signals": {s.name: str(signal.getsignal(s)) for s in sorted(signal.valid_signals()) if isinstance(s, signal.Signals)},
    "threads": [thread.name for thread in threading.enumerate()],
    "logging": [str(logging.root.handlers), logging.root.level],
    "interpreter": [str(sys.flags), sys.getrecursionlimit(), sys.getswitchinterval(), sys.dont_write_bytecode],
    "collector": [gc.get_threshold(), gc.isenabled(), str(gc.callbacks)],
    "limits": [resource.getrlimit(kind) for kind in range(10)],
    "process": [os.umask(0o22), os.getcwd(), os.getpriority(os.PRIO_PROCESS, 0), locale.getlocale()],
    "hooks": [str(sys.excepthook), str(sys.displayhook), str(sys.unraisablehook), str(threading.excepthook)],
    "tracing": [sys.gettrace(), sys.getprofile(), threading.gettrace(), faulthandler.is_enabled()],
    "streams": [[s.name, s.encoding, s.errors, s.line_buffering] for s in (sys.stdin, sys.stdout, sys.stderr)],
    "decimal": str(decimal.getcontext()),
}, indent=0))
"""

MAIN = {
    "state": script(STATE, "-x", says='"descriptor": 3'),
    "pickled classes of main": script(
        """
        import pickle
        class Thing:
            def __init__(self): self.x = 3
        data = pickle.dumps(Thing())
        print(data, pickle.loads(data).x, Thing.__module__)
        open("thing.pickle", "wb").write(data)
        """,
        says="__main__",
    ),
    "a file in a folder": Program(
        {
            "inner/script.py": "import sys, helper\nprint(sys.path[0], __file__, helper.x)\n",
            "inner/helper.py": "x = 3\n",
        },
        ("inner/script.py",),
        says="inner/script.py 3",
    ),
    "a link to a script": Program(
        {"inner/script.py": "import sys, helper\nprint(sys.path[0], __file__)\n", "inner/helper.py": ""},
        ("link.py",),
        says="link.py",
        settings={"prepare": "import os; os.symlink('inner/script.py', 'link.py')"},
    ),
    "a relative import without a package": script("from . import x\n", code=1),
    "a module": Program(
        {
            "package/__init__.py": "print('init', __name__)\n",
            "package/train.py": "import sys\nfrom . import helper\n"
            "print(__name__, __package__, __spec__.name, sys.argv, sys.orig_argv[1:], sys.path[0])\n",
            "package/helper.py": "print('helper', __name__)\n",
        },
        ("-m", "package.train", "-x"),
        says="__main__ package package.train",
    ),
    "a package": Program(
        {
            "package/__init__.py": "",
            "package/__main__.py": "import dataclasses\n@dataclasses.dataclass\nclass A:\n    x: int\n"
            "print(__spec__.name, A.__dataclass_fields__['x'].type, __file__)\n",
        },
        ("-m", "package"),
        says="package.__main__ <class 'int'>",
    ),
    "a module that fails": Program({"train.py": "1 / 0\n"}, ("-m", "train"), 1, settings={"any errors": "runpy"}),
    "a zip archive": Program(
        {"inner/__main__.py": "import helper, sys\nprint(__file__, sys.path[0], sys.argv)\n", "inner/helper.py": ""},
        ("app.pyz", "-x"),
        says="app.pyz/__main__.py",
        settings={"prepare": "import zipapp; zipapp.create_archive('inner', 'app.pyz')"},
    ),
    "a folder with a main": Program(
        {"app/__main__.py": "import helper, sys\nprint(__file__, sys.path[0], __spec__.name)\n", "app/helper.py": ""},
        ("app",),
        says="app",
    ),
    "compiled code": Program(
        {"source.py": "import sys\nprint(__name__, sys.argv, type(__loader__).__name__)\n"},
        ("source.pyc",),
        says="SourcelessFileLoader",
        settings={"prepare": "import py_compile; py_compile.compile('source.py', 'source.pyc')"},
    ),
    "runpy inside": Program(
        {
            "script.py": "import runpy\nprint(runpy.run_path('other.py', run_name='__main__')['x'])\n"
            "runpy.run_module('module', run_name='__main__', alter_sys=True)\nimport sys\nprint(sys.argv)\n",
            "other.py": "import sys\nx = __name__\nprint(sys.argv)\n",
            "module.py": "import sys\nprint(__name__, sys.modules['__main__'].__name__, sys.argv[0])\n",
        },
        says="['other.py']",
    ),
    "main is imported": Program(
        {"script.py": "x = 1\nimport other\nprint(other.main.x)\n", "other.py": "import __main__ as main\n"}, says="1"
    ),
    "a file that hides a library": Program(
        {"script.py": "import rich, queue, typer\nprint(rich.x, queue.x, typer.x)\n"}
        | {f"{name}.py": "x = 'mine'\n" for name in ("rich", "queue", "typer")},
        says="mine mine mine",
    ),
    "reloaded modules and changed paths": Program(
        {
            "script.py": "import importlib, sys, helper\nimportlib.reload(helper)\nsys.path.insert(0, 'inner')\n"
            "import deep\nprint(helper.x, deep.y, sys.path[0])\n",
            "helper.py": "x = 3\nprint('read')\n",
            "inner/deep.py": "y = 4\n",
        },
        says="3 4 inner",
    ),
    "an encoding and a byte order mark": Program(
        {"script.py": "# -*- coding: utf-8 -*-\nprint('Zürich', ascii('œ'))\n"}, says="Zürich"
    ),
    "standard input": script(
        "import sys\nprint(input('name? '))\nprint(sys.stdin.read().split())\n",
        stdin="first\nsecond third\n",
        says="first",
    ),
    "a character that cannot be printed": script("print('\\ud800')\n", code=1),
    "the bits of a flag": script("import __main__, sys\nprint(hasattr(sys, 'ps1'), __main__.__dict__ is globals())\n"),
}

POOL = """
import multiprocessing, os, sys

class Thing:
    def __init__(self, x): self.x = x

def work(thing):
    print("in", __name__, flush=True) if thing.x < 0 else None
    return Thing(thing.x * 2)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        print([thing.x for thing in pool.map(work, [Thing(1), Thing(2), Thing(3)])])
    queue = context.Queue()
    process = context.Process(target=queue.put, args=((sys.argv[0], os.path.basename(sys.path[0])),))
    process.start()
    print(queue.get())
    process.join()
    print(process.exitcode, multiprocessing.get_start_method(), multiprocessing.parent_process())
"""

PROCESSES = {
    **{f"multiprocessing by {method}": script(POOL, method, says="[2, 4, 6]") for method in ("fork", "spawn")},
    "multiprocessing by forkserver": script(POOL, "forkserver", says="[2, 4, 6]", slow=""),
    "a process that fails": script(
        """
        import multiprocessing
        def work():
            raise ValueError("no")
        if __name__ == "__main__":
            process = multiprocessing.get_context("fork").Process(target=work, name="worker")
            process.start()
            process.join()
            print(process.exitcode)
        """,
        says="1",
    ),
    "a pool of processes": script(
        """
        from concurrent.futures import ProcessPoolExecutor
        def double(x): return 2 * x
        if __name__ == "__main__":
            with ProcessPoolExecutor(2) as pool:
                print(list(pool.map(double, range(4))))
        """,
        says="[0, 2, 4, 6]",
    ),
    "fork": script(
        """
        import os, sys
        child = os.fork()
        if child == 0:
            print("child", flush=True)
            sys.exit(5)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
        says="child",
    ),
    "a fork that runs to the end": script(
        """
        import atexit, os
        atexit.register(lambda: print("end", flush=True))
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            print("parent")
        """,
        says="end",
    ),
    "exec": script(
        """
        import os, sys
        print("before", flush=True)
        os.execv(sys.executable, [sys.executable, "-c", "import os, sys; print(sys.argv, len(os.listdir('/proc/self/fd'))); sys.exit(4)", "x"])
        """,
        code=4,
        says="['-c', 'x'] 4",
    ),
    "a subprocess": script(
        """
        import os, subprocess, sys
        number = os.open("file.txt", os.O_RDWR | os.O_CREAT)
        code = f"import os; os.write({number}, b'from the child'); print(sorted(os.listdir('/proc/self/fd')))"
        print(subprocess.run([sys.executable, "-c", code], pass_fds=[number], capture_output=True, text=True).stdout)
        """,
        says="'3'",
    ),
    "_exit loses what was buffered": script("import os\nprint('lost')\nos._exit(3)\n", code=3),
    "abort": script("import os\nos.abort()\n", code=-6),
    "a daemon": script(
        """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.chdir("/")
                os.umask(0)
                with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "daemon.tmp"), "w") as file:
                    file.write("alive")
                os.rename(file.name, file.name.replace(".tmp", ".txt"))
                os._exit(0)
            os._exit(0)
        os.wait()
        while not os.path.exists("daemon.txt"):
            time.sleep(0.01)
        print("started")
        """,
        says="started",
    ),
    "daemon that closes all descriptors": script(
        """
        import os, resource
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        os.closerange(3, min(limit, 65536))
        files = [os.open(f"{number}.txt", os.O_RDWR | os.O_CREAT) for number in range(60)]
        for number in files:
            os.write(number, b"mine")
        print(files[:3])
        child = os.fork()
        if child == 0:
            for number in files:
                os.write(number, b" too")
            os._exit(0)
        os.waitpid(child, 0)
        """,
        says="[3, 4, 5]",
    ),
    "descriptors beyond ours": script(
        """
        import os
        names = [f"{number}.txt" for number in range(980)]
        files = [os.open(name, os.O_RDWR | os.O_CREAT) for name in names[:900]]
        print(files[0], files[-1], len(files))
        for number in files:
            os.close(number)
        """,
        says="3 902 900",
    ),
}

THREADS = {
    "threads": script(
        """
        import threading
        local, found = threading.local(), []
        def work(n):
            local.n = n
            found.append(local.n)
        threads = [threading.Thread(target=work, args=(n,), name=f"t{n}") for n in range(5)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(sorted(found), threading.current_thread().name, threading.active_count())
        """,
        says="[0, 1, 2, 3, 4] MainThread 1",
    ),
    "a thread that outlives main": script(
        """
        import threading, time
        def work():
            time.sleep(0.3)
            print("later", threading.active_count())
        threading.Thread(target=work).start()
        print("main is done")
        """,
        says="later",
    ),
    "a daemon thread": script(
        """
        import threading, time
        threading.Thread(target=lambda: (time.sleep(60), print("never")), daemon=True).start()
        print("main is done")
        """,
        says="main is done",
    ),
    "a thread that fails": script(
        """
        import threading
        threading.excepthook = lambda arguments: print("hook", arguments.exc_type.__name__)
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        """,
        says="hook ZeroDivisionError",
    ),
    "a thread that exits": script("import sys, threading\nthreading.Thread(target=sys.exit, args=(3,)).start()\n"),
    "a timer": script("import threading\nthreading.Timer(0.05, lambda: print('tick')).start()\n", says="tick"),
    "a pool of threads": script(
        """
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(3)
        print(pool.submit(sum, [1, 2]).result())
        pool.submit(lambda: print("last"))
        """,
        says="last",
    ),
    "asyncio": script(
        """
        import asyncio, contextvars, sys
        variable = contextvars.ContextVar("variable", default=0)
        async def work(n):
            variable.set(n)
            await asyncio.sleep(0.01)
            return variable.get()
        async def main():
            print(await asyncio.gather(*map(work, range(3))), variable.get())
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(3)", stdout=-1)
            print(await process.communicate())
            try:
                await asyncio.wait_for(asyncio.sleep(9), 0.01)
            except TimeoutError:
                print("timed out")
        asyncio.run(main())
        """,
        says="timed out",
    ),
}

ENDS = {
    "signals": script(
        """
        import os, signal
        signal.signal(signal.SIGUSR1, lambda number, frame: print("got", number, frame.f_code.co_filename == __file__))
        os.kill(os.getpid(), signal.SIGUSR1)
        signal.signal(signal.SIGALRM, lambda *_: print("alarm"))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        signal.pause()
        """,
        says="alarm",
    ),
    "an alarm that is still set": script("import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.6)\nprint('done')\n"),
    "termination": script("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n", code=-15),
    "an interrupt": script(
        "import os, signal\nprint('on')\nos.kill(os.getpid(), signal.SIGINT)\nprint('off')\n", code=130
    ),
    "a pipe without a reader": script(
        """
        import os
        reader, writer = os.pipe()
        os.close(reader)
        try:
            os.write(writer, b"x")
        except BrokenPipeError:
            print("broken")
        """,
        says="broken",
    ),
    "functions at exit": script(
        """
        import atexit
        atexit.register(print, "registered first")
        @atexit.register
        def fail():
            raise ValueError("at exit")
        atexit.register(print, "registered last")
        print("main")
        """,
        says="registered last\nregistered first",
    ),
    "objects that die at exit": script(
        """
        class Thing:
            def __del__(self):
                print("gone")
        thing = Thing()
        import weakref
        weakref.finalize(thing, print, "finalized")
        def generator():
            try:
                yield 1
            finally:
                print("closed")
        waiting = generator()
        next(waiting)
        """,
        says="gone",
    ),
    "its own excepthook": script(
        """
        import sys
        print(sys.excepthook is sys.__excepthook__)
        sys.excepthook = lambda kind, error, trace: print(kind.__name__, error, trace.tb_lineno, trace.tb_next)
        raise ValueError("no")
        """,
        code=1,
        says="ValueError no 5 None",
    ),
    "an error in a destructor": script(
        """
        import sys
        sys.unraisablehook = lambda unraisable: print("unraisable", unraisable.exc_type.__name__)
        class Thing:
            def __del__(self):
                1 / 0
        Thing()
        """,
        says="unraisable ZeroDivisionError",
    ),
    "an exit code that is too large": script("raise SystemExit(300)\n", code=300 % 256),
    "a sentence at exit": script("import sys\nsys.exit('gone wrong')\n", code=1),
    "exit from within a finally": script("try:\n    1 / 0\nfinally:\n    raise SystemExit(7)\n", code=7),
    "warnings": script(
        """
        import warnings
        warnings.warn("old", DeprecationWarning)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.warn("kept")
        print(len(caught), caught[0].filename == __file__)
        warnings.simplefilter("error")
        warnings.warn("raised", UserWarning)
        """,
        code=1,
        says="1 True",
    ),
    "logging": script(
        """
        import logging
        logging.warning("before")
        logging.basicConfig(format="%(levelname)s %(filename)s %(lineno)d %(message)s", level=logging.INFO, force=True)
        logging.info("configured")
        logging.shutdown()
        """
    ),
    "a tracer of its own functions": script(
        """
        import sys
        def f(n):
            return n + 1
        lines = []
        def tracer(frame, event, argument):
            if frame.f_code.co_filename == __file__:
                lines.append((event, frame.f_lineno))
                return tracer
        sys.settrace(tracer)
        f(1)
        sys.settrace(None)
        print(lines)
        sys.setprofile(lambda frame, event, argument: lines.append(event))
        """,
        says="('call', 3)",
    ),
    "faulthandler": script(
        "import faulthandler\nfaulthandler.enable()\nprint(faulthandler.is_enabled())\nfaulthandler.disable()\n",
        says="True",
    ),
}

HOSTILE = {
    "closed streams": script(
        """
        import sys
        print("before")
        sys.stdout.close()
        sys.stderr.close()
        """
    ),
    "streams that are gone": script("import sys\nprint('before')\nsys.stdout = sys.stderr = sys.stdin = None\n"),
    "closed descriptors of the streams": script("import os\nprint('before', flush=True)\nos.close(1)\nos.close(2)\n"),
    "a buffer that cannot be written": script("import os\nos.close(1)\nprint('lost')\n", code=120, any_errors=""),
    "streams of its own": script(
        """
        import contextlib, io, sys
        with contextlib.redirect_stdout(io.StringIO()) as out:
            print("kept")
        sys.__stdout__.write(out.getvalue())
        sys.stdout = open("out.txt", "w")
        print("in a file")
        """,
        says="kept",
    ),
    "replaced functions": script(
        """
        import builtins, json, os, pathlib, time
        print("before", flush=True)
        json.dumps = json.dump = json.loads = lambda *a, **k: 1 / 0
        time.time = time.monotonic = lambda: "never"
        os.path.exists = os.getcwd = os.rename = lambda *a, **k: None
        pathlib.Path.write_text = pathlib.Path.write_bytes = lambda *a, **k: None
        builtins.open = None
        """,
        undiagnosed="",
    ),
    "a folder that is gone": script(
        """
        import os, shutil
        os.makedirs("inner")
        os.chdir("inner")
        os.rmdir("../inner")
        print("done")
        """,
        says="done",
    ),
    "another folder": script("import os\nos.makedirs('inner')\nos.chdir('inner')\nopen('x.txt', 'w').write('x')\n"),
    "few descriptors": script(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
        print("done")
        """,
        says="done",
    ),
    "no files larger than nothing": script(
        """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        print("done", flush=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        """,
        says="done",
    ),
    "modules that are forgotten": script(
        "import sys\nprint('done', flush=True)\nsys.modules.clear()\n", any_errors="", undiagnosed=""
    ),
    "a database of its own": script(
        """
        import sqlite3
        with sqlite3.connect("mine.sqlite") as db:
            db.execute("CREATE TABLE t(x)")
            db.execute("INSERT INTO t VALUES (3)")
        print(sqlite3.connect("mine.sqlite").execute("SELECT x FROM t").fetchall())
        """,
        says="[(3,)]",
    ),
    "locks and temporary files": script(
        """
        import fcntl, os, tempfile
        with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "lock"), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            print(file.fileno())
        """,
        says="3",
    ),
}

DIGEST = "\nprint(digest(model), torch.rand(1).item())\n"
TRAINING = {
    "trains": script(TRAIN + "train()" + DIGEST),
    "trains and closes all descriptors": script(
        TRAIN + "train()\nimport os\nos.closerange(3, 4096)\nfile = open('mine.txt', 'w')\nfor n in range(200):\n"
        "    train(1)\n    file.write(f'{n}\\n')\n    file.flush()\nfile.close()" + DIGEST
    ),
    "trains and is hostile": script(
        TRAIN
        + "train()\nimport json, os, shutil\njson.dumps = None\nos.makedirs('x')\nos.chdir('x')\nos.rmdir('../x')\n"
        "train()" + DIGEST + "sys.stdout.flush()\nsys.stdout.close()\nsys.stderr.close()\ntrain()\n"
    ),
    "trains in many threads": script(
        TRAIN
        + """
import threading
def work(seed):
    draw = torch.Generator().manual_seed(seed)
    model = nn.Linear(8, 2)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=draw))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(40):
        optimizer.zero_grad()
        model(torch.randn(16, 8, generator=draw)).square().mean().backward()
        optimizer.step()
    found[seed] = digest(model)
found = {}
threads = [threading.Thread(target=work, args=(seed,)) for seed in range(50)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(found.items()))
train()
"""
        + DIGEST
    ),
    "trains in the main thread beside others": script(
        TRAIN
        + """
import threading
def work(seed, model):
    inputs = torch.randn(64, 8, generator=torch.Generator().manual_seed(seed))
    while not done:
        model.zero_grad()
        model(inputs).square().mean().backward()
done = []
# Made here: to initialise a layer draws from the generator that the main thread uses.
threads = [threading.Thread(target=work, args=(seed, nn.Linear(8, 1, bias=False))) for seed in range(8)]
for thread in threads: thread.start()
train(12)
done.append(True)
for thread in threads: thread.join()
"""
        + DIGEST
    ),
    "saves classes of main": script(
        TRAIN
        + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 3)
    def forward(self, x):
        return self.head(x)
model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
train(2)
torch.save(model, "model.pt")
again = torch.load("model.pt", weights_only=False)
print(type(again).__module__, digest(again) == digest(model), again.__dict__.keys())
"""
        + DIGEST
    ),
    "fails while it trains": script(TRAIN + "train(1)\ny[3] = 7\ntrain(1)\n", code=1),
    "loads data in processes": script(
        TRAIN
        + """
from torch.utils.data import DataLoader, TensorDataset
def main():
    for inputs, targets in DataLoader(TensorDataset(x, y), 64, shuffle=True, num_workers=2):
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
if __name__ == "__main__":
    main()
    print(digest(model))
""",
        slow="",
    ),
    "spawns processes that train": script(
        TRAIN
        + """
import torch.multiprocessing as mp
def work(rank, folder):
    train(2)
    open(f"{folder}/{rank}.txt", "w").write(digest(model))
if __name__ == "__main__":
    mp.spawn(work, (".",), nprocs=2)
    print(digest(model))
""",
        slow="",
    ),
}

PROGRAMS: dict[str, Program] = {**LANGUAGE, **MAIN, **PROCESSES, **THREADS, **ENDS, **HOSTILE, **TRAINING}
