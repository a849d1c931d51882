"""Dealing: one file or folder that holds many nights becomes one file of rows and one of labels per night.

source.py   a Parquet file or folder, or a CSV file, open for questions
deal.py     what a pipeline's `prepare` calls
"""

from pipelines.engine.dealing.deal import deal
from pipelines.engine.dealing.source import SQL_TYPES, in_one_sentence, night_of, open_source

__all__ = ["SQL_TYPES", "deal", "in_one_sentence", "night_of", "open_source"]
