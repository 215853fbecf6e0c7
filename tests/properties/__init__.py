"""What holds for every input, by examples that hypothesis makes up."""
