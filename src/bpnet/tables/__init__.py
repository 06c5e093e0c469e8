"""Tables of numbers, booleans and categories: read, prepared and learned from."""

from bpnet.tables.error import TableError as TableError
from bpnet.tables.model import TableModel as TableModel
from bpnet.tables.preprocessing import Preprocessing as Preprocessing
from bpnet.tables.reading import read_table as read_table
from bpnet.tables.searching import search_table as search_table
