"""Labels that come later than their rows, or sooner: counts on windows, and one table.

Revision: 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COUNTS = ("labelled", "wanted", "judged_by")


def upgrade() -> None:
    for name in COUNTS:
        op.add_column("growlearn_windows", sa.Column(name, sa.Integer(), nullable=True))
    op.create_table(
        "growlearn_late_labels",
        sa.Column("id", SERIAL, nullable=False, autoincrement=True),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("window", sa.Integer(), nullable=True, autoincrement=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("content", sa.String(64), nullable=True),
        sa.Column("labels", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        _refers(("stream",), "streams", ("name",)),
        _refers(("stream", "window"), "windows", ("stream", "number")),
        sa.PrimaryKeyConstraint("id", name="pk_growlearn_late_labels"),
    )
    op.create_index("ix_growlearn_late_labels_stream", "growlearn_late_labels", ["stream"])


def downgrade() -> None:
    op.drop_table("growlearn_late_labels")
    for name in reversed(COUNTS):
        op.drop_column("growlearn_windows", name)


def _refers(columns: tuple[str, ...], other: str, keys: tuple[str, ...]) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        list(columns),
        [f"growlearn_{other}.{key}" for key in keys],
        name=f"fk_growlearn_late_labels_{'_'.join(columns)}",
        ondelete="CASCADE",
    )
