"""What kind of drift a window shows, and the evidence that is carried from window to window.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("growlearn_drift_reports", sa.Column("kind", sa.String(16), nullable=True))
    op.add_column("growlearn_drift_reports", sa.Column("evidence", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("growlearn_drift_reports", "evidence")
    op.drop_column("growlearn_drift_reports", "kind")
