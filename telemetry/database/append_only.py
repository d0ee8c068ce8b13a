"""Triggers that let a table only grow, in both databases. Migrations use them."""


def append_only(table: str, dialect: str) -> tuple[str, ...]:
    """Return the statements that make a table refuse changes and deletions.

    Args:
        table: its name.
        dialect: sqlite or postgresql.
    """
    message = f"{table} is append-only: correct with a new revision"
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER {table}_no_{word.lower()} BEFORE {word} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            for word in ("UPDATE", "DELETE")
        )
    refuse, for_each = f"{table}_refuse()", f"ON {table} FOR EACH"
    body, execute = f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$", f"EXECUTE FUNCTION {refuse}"
    return (
        f"CREATE FUNCTION {refuse} RETURNS trigger LANGUAGE plpgsql AS {body}",
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE {for_each} ROW {execute}",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE {for_each} STATEMENT {execute}",
    )
