from effects.fold import newest_per_key


def test_fold_keeps_the_newest_of_each_key() -> None:
    """Versions decide, whatever the sequence in which they arrive; keys stay where they first were."""
    changes = [("a", 2, "x"), ("b", 2, "x"), ("a", 4, "x"), ("a", 10, "x"), ("a", 3, "x"), ("b", 2, "later")]

    folded = newest_per_key(changes, key=lambda change: change[0], version=lambda change: change[1])

    assert folded == [("a", 10, "x"), ("b", 2, "x")]


def test_nothing_folds_to_nothing() -> None:
    """An empty batch stays empty."""
    assert newest_per_key([], key=str, version=int) == []
