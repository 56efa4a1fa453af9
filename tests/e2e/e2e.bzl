"""Tests of the real programs."""

def e2e_test(name, data = [], timeout = "moderate", tags = [], **kwargs):
    """A Python script with unittest cases that starts real agents and real ranks.

    A sh_test and not a py_test: the script has Debian's python3 in its first line, and Bazel's own
    Python rules would look for another one. The suite writes its cases to Bazel's test.xml itself.

    Args:
      name: of the target; the script is NAME.py.
      data: further files and programs, on top of the three programs.
      timeout: Bazel's.
      tags: on top of `e2e`.
      **kwargs: passed on.
    """
    native.sh_test(
        name = name,
        srcs = [name + ".py"],
        timeout = timeout,
        data = data + [
            ":cluster.py",
            ":job_case.py",
            ":suite.py",
            "//agent/shim:msshim",
            "//agent:msagentd",
            "//ctl:msctl",
        ],
        # Outside the sandbox: cgroups are written, and processes looked at.
        tags = tags + ["e2e", "local"],
        **kwargs
    )
