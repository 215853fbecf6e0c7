"""stub"""


def server_pattern(prefix, pattern):
    return (prefix + "*").encode()
