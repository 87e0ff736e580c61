"""Every knob of a run, typed; what each stage reads."""
