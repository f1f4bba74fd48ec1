"""Lambda here: functions run in worker processes under AWS's own runtime interface client.

``functions.py`` is the door: it invokes, keeps execution environments warm, throttles. Each execution
environment is one process (``execution_environment.py``) that talks to a Runtime API of its own
(``runtime_api.py``) and sees nothing but its asset and what Lambda provides (``runtime_directory.py``,
``variables.py``). ``watchman.py`` sees to it that no process outlives this one.
"""
