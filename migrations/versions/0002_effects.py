"""How large each drift score's change is; not known of scores that were recorded before.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("growlearn_drift_scores", sa.Column("effect", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("growlearn_drift_scores", "effect")
