"""One file a model family: a frozen dataclass that satisfies `mmprolong.models.backbone.Family`."""
