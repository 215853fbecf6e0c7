"""The same faults for ours and for what people use: what each of them makes of them."""
