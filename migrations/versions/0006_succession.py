"""Which tasks a candidate takes the place of, and the windows that ask for it.

Revision: 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("growlearn_evaluations", sa.Column("succession", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("growlearn_evaluations", "succession")
