"""The process that makes a replay happen: it delivers nights when their time has come and, sped up, starts their runs.

Everything it does can be done again without harm: files that are there are left alone, and a run has the name of its night,
which Airflow takes once. So it may be killed and started anew at any moment.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from nightshift.live.orders import read_orders
from pipelines.engine.promises.schedule import night_of, ticks
from pipelines.engine.promises.values import Declaration
from pipelines.engine.replay import Replay, as_replayed, read_replay
from pipelines.engine.replaying import Delivery, Folders, deliveries, due_until

if TYPE_CHECKING:
    from nightshift.embedded.client import AirflowClient
    from pipelines.engine.ledger.observations import Observations
    from pipelines.engine.pipeline import Pipeline
    from pipelines.engine.settings import Settings
    from pipelines.engine.storage import Storage

ROLE = "replay"
"""Its name in the tree, and of its heartbeat."""
LONGEST_PAUSE_SECONDS = 1.0
SHORTEST_PAUSE_SECONDS = 0.1
BEAT_SECONDS = 1.0
REPLAYED = ("scoring", "training")
SAY_AGAIN_SECONDS = 60.0

log = logging.getLogger(__name__)


def pause_of(speed: float) -> float:
    """Return how long to wait between two looks, in seconds: about a minute of the replayed clock."""
    return max(SHORTEST_PAUSE_SECONDS, min(LONGEST_PAUSE_SECONDS, 60.0 / speed))


def run_id_of(replay: Replay, night: str) -> str:
    """Return the name of a night's run in a replay, which is the same however often it is asked for."""
    return f"live__{replay.name}__{night}"


def replayed_dags(observations: Observations, replay: Replay) -> list[Declaration]:
    """Return the DAGs whose runs a replay starts, with their schedules as they are in the replay."""
    declared = (Declaration.from_json(seen.content) for seen in observations.declarations())
    return [
        as_replayed(one, replay)
        for one in declared
        if one.pipeline == replay.pipeline and one.kind in REPLAYED and one.schedule is not None
    ]


class Driver:
    """Makes a replay happen, one look at a time.

    Args:
        settings: Where things are.
        storage: Reaches the files of nights.
        observations: The ledger, for its clock, its heartbeats, and what DAGs declare.
        client: Airflow.
        pipeline: Whose past is replayed.
    """

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
        observations: Observations,
        client: AirflowClient,
        pipeline: Pipeline,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._observations = observations
        self._client = client
        self._pipeline = pipeline
        self._plan: tuple[int, list[Delivery]] = (0, [])
        self._delivered: set[Delivery] = set()
        self._looked: tuple[float, float] = (0.0, 0.0)
        self._beat_at = 0.0

    def turn(self) -> Replay | None:
        """Do what is due now, and return the replay; None if none is on.

        Raises:
            NightshiftError, EmbeddedError: Something could not be done; what is left is done next time.
        """
        replay = read_replay(self._settings)
        if replay is None or replay.pipeline != self._pipeline.name:
            return None
        shown = replay.clock.shows(self._observations.now())
        self._deliver(replay, shown)
        if replay.running:
            self._beat(replay, shown)
            self._start_runs(replay, shown)
        return replay

    def _deliver(self, replay: Replay, shown: float) -> None:
        recording = self._pipeline.recording
        if recording is None:
            return
        if self._plan[0] != replay.days:
            self._plan = (replay.days, deliveries(recording, replay))
            self._delivered.clear()
        held = read_orders(self._settings).held
        due = [one for one in due_until(self._plan[1], shown, held) if one not in self._delivered]
        if not due:
            return
        folders = Folders(self._storage.at(self._settings.data) / self._pipeline.name, self._pipeline, replay)
        for one in folders.deliver(due, lambda *_: None):
            log.info("delivered the %s of night %s", one.kind, one.night)
        self._delivered.update(due)

    def _start_runs(self, replay: Replay, shown: float) -> None:
        """Ask Airflow for the runs of a sped-up replay that should have begun; whoever asks again gets the same ones."""
        if not replay.driven:
            return
        starts, since = self._looked
        dags = replayed_dags(self._observations, replay)
        for declaration in dags:
            for tick in ticks(declaration, since if starts == replay.starts else replay.starts, shown):
                self._start(replay, declaration.dag_id, night_of(declaration, tick))
        if dags:  # before anybody has read the DAG files there are none
            self._looked = (replay.starts, shown)

    def _start(self, replay: Replay, dag_id: str, night: str) -> None:
        run = self._client.trigger(dag_id, partition_key=night, run_id=run_id_of(replay, night))
        if run.created:
            log.info("asked Airflow for %s of night %s", dag_id, night)

    def _beat(self, replay: Replay, shown: float) -> None:
        if time.monotonic() - self._beat_at >= BEAT_SECONDS:
            self._observations.beat(ROLE, {"shown": shown, "night": str(replay.day_at(shown))})
            self._beat_at = time.monotonic()


def drive(driver: Driver) -> None:
    """Do what is due, for as long as this process lives; what goes wrong is said, and tried again."""
    from nightshift.embedded.errors import EmbeddedError
    from pipelines.engine.errors import NightshiftError

    said: dict[str, float] = {}
    while True:
        pause = LONGEST_PAUSE_SECONDS
        try:
            replay = driver.turn()
            pause = pause_of(replay.speed) if replay is not None else pause
        except (NightshiftError, EmbeddedError, OSError) as error:
            if time.monotonic() - said.get(str(error), -SAY_AGAIN_SECONDS) >= SAY_AGAIN_SECONDS:
                said[str(error)] = time.monotonic()
                log.warning("%s", error)
        time.sleep(pause)
