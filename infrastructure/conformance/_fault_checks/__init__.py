"""What fault checks of every interface do alike: the suites say with which calls."""
