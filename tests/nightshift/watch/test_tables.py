"""Tables are looked at now and then; where there are very many, less often."""

from nightshift.watch import tables
from nightshift.watch.tables import Tables
from pipelines.engine.settings import read_settings


def test_a_thousand_tables_that_answer_slowly_are_looked_at_less_often(tmp_path):
    looking = Tables(read_settings({"NIGHTSHIFT_HOME": str(tmp_path)}))
    assert looking.pause == tables.BETWEEN_LOOKS_SECONDS
    looking.shown("tides", ["2026-11-20"])
    assert looking.pause == tables.BETWEEN_LOOKS_SECONDS
    looking._took |= {f"pipeline_{number}": 0.05 for number in range(1000)}
    assert 500 <= looking.pause < 510  # fifty seconds of looking in five hundred


def test_table_that_is_not_there_is_not_asked_again_at_once(tmp_path, monkeypatch):
    looking = Tables(read_settings({"NIGHTSHIFT_HOME": str(tmp_path)}))
    asked = []
    monkeypatch.setattr(looking, "_look", lambda pipeline, nights: asked.append(nights))
    for newest in ("2026-11-20", "2026-11-20", "2026-11-21"):
        assert looking.shown("tides", [newest]) is None
    assert asked == [["2026-11-20"], ["2026-11-21"]]
