"""Tests that hold a drop-in launcher against the pages of the original's facts."""

def conformance_test(name, data = [], timeout = "long", tags = [], **kwargs):
    """A Python script with unittest cases that starts drop-in launchers and looks at their processes.

    Args:
      name: of the target; the script is NAME.py.
      data: further files and programs.
      timeout: Bazel's.
      tags: on top of `e2e`.
      **kwargs: passed on.
    """
    native.sh_test(
        name = name,
        srcs = [name + ".py"],
        timeout = timeout,
        data = data + [
            ":drop_in.py",
            "//agent/shim:msshim",
            "//agent:msagentd",
            "//ctl:msctl",
            "//tests/e2e:cluster.py",
            "//tests/e2e:suite.py",
            "//tests/hosts:host.py",
            "//tests/programs:launch_probe",
        ],
        # Outside the sandbox: network namespaces are made, and processes looked at.
        tags = tags + ["e2e", "local"],
        **kwargs
    )
