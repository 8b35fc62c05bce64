from growlearn.app.library.growing_model import GrowingModel as GrowingModel
from growlearn.app.library.stream import Stream as Stream

__version__: str
