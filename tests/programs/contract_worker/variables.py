"""What a process was told in its environment, read by name."""

import ipaddress


class ContractError(Exception):
    """A variable that breaks the contract. The text begins with its name."""

    def __init__(self, variable, text):
        super().__init__(f"{variable}: {text}")


class Variables:
    """An environment. Every reader raises ContractError, which names the variable."""

    def __init__(self, values, backup=None):
        """`backup`: values of those that are not in `values`, as Paddle's backup file has them."""
        self._values = dict(backup or {})
        self._values.update(values)

    def get(self, name, default=""):
        return self._values.get(name, default)

    def has(self, name):
        return name in self._values

    def names(self, prefix):
        return sorted(name for name in self._values if name.startswith(prefix))

    def text(self, name):
        """Not empty."""
        value = self._values.get(name)
        if value is None:
            raise ContractError(name, "it is not set")
        if not value:
            raise ContractError(name, "it is empty")
        return value

    def number(self, name, low, high=None):
        value = self.text(name)
        try:
            number = int(value)
        except ValueError:
            raise ContractError(name, f"'{value}' is not a number") from None
        if number < low or (high is not None and number > high):
            limit = f"from {low} to {high}" if high is not None else f"{low} or more"
            raise ContractError(name, f"{number} is not {limit}")
        return number

    def one_of(self, name, choices):
        value = self.text(name)
        if value not in choices:
            raise ContractError(name, f"'{value}' is none of {', '.join(choices)}")
        return value

    def exactly(self, name, value, why):
        if self._values.get(name) != str(value):
            raise ContractError(name, f"it is {self._show(name)}, and not '{value}': {why}")

    def absent(self, name, why):
        if name in self._values:
            raise ContractError(name, f"it is {self._show(name)}: {why}")

    def address(self, name):
        """An IPv4 address, never a name."""
        value = self.text(name)
        try:
            return str(ipaddress.IPv4Address(value))
        except ValueError:
            raise ContractError(name, f"'{value}' is not an IPv4 address") from None

    def endpoint(self, name):
        """'host:port' as it was given."""
        return self._check_endpoint(name, self.text(name))

    def endpoints(self, name):
        values = [self._check_endpoint(name, part) for part in self.text(name).split(",")]
        if len(set(values)) != len(values):
            raise ContractError(name, f"'{self.get(name)}' names one of them twice")
        return values

    def _show(self, name):
        return f"'{self._values[name]}'" if name in self._values else "not set"

    @staticmethod
    def _check_endpoint(name, value):
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ContractError(name, f"'{value}' is not ADDRESS:PORT")
        return value


def check_expected(variables):
    """STANDIN_EXPECTS names variables that depend on the launcher's flags, so that only who started
    it can know that they must be there, or what they must be: 'RANK_TABLE_FILE,DEVICE_ID=0'."""
    for entry in filter(None, variables.get("STANDIN_EXPECTS").split(",")):
        name, separator, value = entry.partition("=")
        if separator:
            variables.exactly(name, value, "STANDIN_EXPECTS says so")
        else:
            variables.text(name)
