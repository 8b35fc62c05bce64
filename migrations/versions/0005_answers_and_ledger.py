"""The decision ledger, and the stored answers that each cell counts.

Revision: 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("growlearn_cells", sa.Column("answers", sa.String(64), nullable=True))
    op.add_column("growlearn_evaluations", sa.Column("worth", sa.Text(), nullable=True))
    op.create_table(
        "growlearn_ledger",
        sa.Column("serial", SERIAL, nullable=False, autoincrement=True),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("configuration", sa.String(16), nullable=False),
        sa.Column("window", sa.Integer(), nullable=True, autoincrement=False),
        sa.Column("snapshot", sa.String(64), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("job", sa.Text(), nullable=True),
        sa.Column("alias_moves", sa.Text(), nullable=False),
        _refers(("stream",), "streams", ("name",)),
        _refers(("stream", "window"), "windows", ("stream", "number")),
        sa.PrimaryKeyConstraint("serial", name="pk_growlearn_ledger"),
    )
    op.create_index("ix_growlearn_ledger_stream_window", "growlearn_ledger", ["stream", "window"])


def downgrade() -> None:
    op.drop_table("growlearn_ledger")
    op.drop_column("growlearn_evaluations", "worth")
    op.drop_column("growlearn_cells", "answers")


def _refers(columns: tuple[str, ...], other: str, keys: tuple[str, ...]) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        list(columns),
        [f"growlearn_{other}.{key}" for key in keys],
        name=f"fk_growlearn_ledger_{'_'.join(columns)}",
        ondelete="CASCADE",
    )
