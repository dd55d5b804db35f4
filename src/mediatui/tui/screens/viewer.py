"""One item on the whole screen: a picture to look into, a clip to scrub and play, a sound to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container

from mediatui.errors import UsageError
from mediatui.model import MediaItem, MediaType, SaveState
from mediatui.text import one_line
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.control.copying import copy_record
from mediatui.tui.control.keeping import tell_saved
from mediatui.tui.control.material import Loading, Material
from mediatui.tui.control.opening import choose_opener, open_item
from mediatui.tui.format import SAVE_BADGES, file_fact_list, joined, picture_card
from mediatui.tui.screens.base import STYLES, StudioScreen
from mediatui.tui.view_keys import senseless
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.kitty import make_picture
from mediatui.tui.widgets.magnifier import Magnifier
from mediatui.tui.widgets.picture import Picture
from mediatui.tui.widgets.player import Player
from mediatui.tui.widgets.timeline import Ruler, Sought, Thumbs, Wave

if TYPE_CHECKING:
    from mediatui.tui.batch import Batch

SEEK_SECONDS = 1.0
STEPS = 24
"""Steps through a sound, or through a clip whose frames are not known."""

GONE = "this item is gone"

THUMB_ROWS = 22
"""Rows from which the frames of a clip are shown under it."""


class ViewerScreen(StudioScreen[str]):
    """One of some items; answers which one was looked at last."""

    CSS_PATH = STYLES / "viewer.tcss"
    SCOPES: ClassVar[tuple[str, ...]] = ("viewer", "app")
    BINDINGS = bindings("viewer")

    def __init__(self, keys: Sequence[str], key: str, *, play: bool = False) -> None:
        """`keys` are item ids in the order of the list; `key` the one to begin with."""
        super().__init__()
        self._keys = list(keys)
        self._at = self._keys.index(key)
        self._play_first = play
        self._loading = Loading(self)
        self._magnifier = Magnifier()
        self._seconds = 0.0
        self._gone = False
        """What was shown is not in the library any more."""

    def compose(self) -> ComposeResult:
        """Title, stage, time, facts, keys."""
        yield PaneTitle("", id="viewer-title")
        with Container(id="stage"):
            yield make_picture(self.main.capabilities, id="still")
            yield Player(remote=self.main.capabilities.remote or self.main.quiet, id="player")
            yield Wave(id="wave")
        yield Thumbs(id="thumbs")
        yield Ruler(id="ruler")
        yield Bar(id="facts")
        yield Bar(id="status")
        yield KeyBar("viewer")

    def on_mount(self) -> None:
        """Show the first item."""
        self._show()
        if self._play_first and self.item.type is MediaType.VIDEO:
            self.main.run_fenced(self._play(), group="play", exclusive=True)

    # Parts.

    @property
    def item(self) -> MediaItem:
        """What is shown. Raises `UsageError` once it is gone."""
        found = self.main.studio.find_item(self._keys[self._at])
        if found is None:
            raise UsageError(GONE, hint=f"{self.press('next-item')} shows the next one.")
        return found

    @property
    def player(self) -> Player:
        """Where clips play."""
        return self.query_one("#player", Player)

    @property
    def still(self) -> Picture:
        """Where pictures and single frames are shown."""
        return self.query_one("#still", Picture)

    @property
    def material(self) -> Material:
        """What has been fetched of the item."""
        return self._loading.found

    @property
    def seconds(self) -> float:
        """The moment looked at."""
        return self.player.seconds if self.player.playing else self._seconds

    # Showing.

    def _show(self) -> None:
        self.player.stop()
        self._loading.found = Material()
        self._magnifier.reset()
        self._seconds = 0.0
        item = self.main.studio.find_item(self._keys[self._at])
        self._gone = item is None
        kind = item.type if item is not None else MediaType.IMAGE
        self._show_keys()
        self._stage("wave" if kind is MediaType.AUDIO else "still")
        self.query_one("#thumbs", Thumbs).show(None)
        self.query_one("#wave", Wave).show(None, "listening…")
        timed = kind is not MediaType.IMAGE
        self.query_one("#ruler").display = timed
        self._fit_thumbs(kind)
        self._title()
        if item is None:
            self.still.show(None, GONE)
            return
        self.still.show(None, self._words(item))
        self._loading.begin(item)
        self._time()

    def _show_keys(self) -> None:
        """Leave out the keys that do nothing with what is shown."""
        item = self.main.studio.find_item(self._keys[self._at])
        hidden = senseless(item, moving=self.material.moving, draws=self.main.draws_pictures)
        self.query_one(KeyBar).hide(hidden)

    def _words(self, item: MediaItem) -> str:
        """What stands where the picture will be, or would be."""
        if not self.main.draws_pictures:
            return f"{picture_card(item)} · pictures are off, {self.press('open-outside')} opens it"
        return (
            "" if item.save_state is SaveState.SAVED else f"not on disk: {self.press('play')} fetches a copy to look at"
        )

    def _fit_thumbs(self, kind: MediaType) -> None:
        fits = self.size.height >= THUMB_ROWS and self.main.draws_pictures
        self.query_one("#thumbs").display = kind is MediaType.VIDEO and fits

    def _stage(self, name: str) -> None:
        for each in ("still", "player", "wave"):
            self.query_one(f"#{each}").display = each == name

    def _title(self) -> None:
        item = self.main.studio.find_item(self._keys[self._at])
        place = f"{self._at + 1:,} of {len(self._keys):,}"
        if item is None:
            self.query_one(PaneTitle).tell(place, name=GONE.capitalize(), on=True)
            self.query_one("#facts", Bar).show([])
            return
        badge = SAVE_BADGES[item.save_state]
        place = f"{place}  {badge.glyph} {badge.word}"
        self.query_one(PaneTitle).tell(place, name=one_line(item.prompt, 200) or item.name, on=True)
        found = self.material.playable
        origin = found.origin.value if found is not None else ""
        moving = f"animated, {self.press('play')} plays it" if self.material.moving else ""
        shape = [(fact, rank) for rank, fact in zip((4, 2, 3, 6), file_fact_list(item), strict=True)]
        seed = f"seed {item.seed}" if item.seed is not None else ""
        facts = [(item.model, 1), *shape, (moving, 0), (seed, 5), (origin, 7)]
        self.query_one("#facts", Bar).show([(f" {joined(facts, self.size.width - 2)}", "dim")])

    def arrived(self, name: str) -> None:
        """Something of the item was fetched: show it."""
        found = self.material
        match name:
            case "poster" if found.poster is not None:
                self.still.show(found.poster)
            case "poster" if not self._gone and self.item.save_state is SaveState.SAVED:
                self.still.show(None, "there is no picture of it")
            case "strip" if found.strip is not None:
                self.query_one("#thumbs", Thumbs).show(found.strip)
                self._time()
            case "peaks":
                self.query_one("#wave", Wave).show(found.peaks, "there is no sound to draw")
                self._time()
            case "playable" | "moving":
                self._title()
                self._show_keys()

    def is_showing(self, item: MediaItem) -> bool:
        """This item is on the screen, still."""
        return self.is_attached and self._keys[self._at] == item.id

    def on_resize(self, event: events.Resize) -> None:
        """Frames under the clip where there is room, and as many facts as fit."""
        self._title()
        item = self.main.studio.find_item(self._keys[self._at])
        if item is not None:
            self._fit_thumbs(item.type)

    def follow(self, batch: Batch) -> None:
        """The item may have been saved, or gone, or come back."""
        shown = self._keys[self._at]
        item = self.main.studio.find_item(shown)
        if (item is None) != self._gone:
            self._show()
        elif any(each.id == shown for change in batch.changes for each in change.items):
            before = self.material.poster
            self._title()
            if before is None and item is not None and not self.player.playing:
                self._loading.begin(item)

    # Time.

    @property
    def duration(self) -> float:
        """Seconds, of what is known."""
        known = (
            self.player.transport.duration if self.player.playing else 0.0,
            self.material.duration,
        )
        item = self.main.studio.find_item(self._keys[self._at])
        return next((length for length in known if length), (item.duration or 0.0) if item is not None else 0.0)

    def _time(self) -> None:
        ruler, moment = self.query_one("#ruler", Ruler), self.seconds
        ruler.show(moment, self.duration, self._playing_words())
        if self.material.strip is not None:
            self.query_one("#thumbs", Thumbs).mark(self.material.strip.nearest(moment))
        if self.material.peaks is not None:
            self.query_one("#wave", Wave).mark(moment)

    def _playing_words(self) -> str:
        if not self.player.playing:
            return ""
        transport = self.player.transport
        speed = f" {transport.speed:g}×" if transport.speed != 1 else ""
        return f"{'paused' if transport.paused else 'playing'}{speed}"

    @on(Player.Moved)
    def _moved(self) -> None:
        if self.player.playing:
            self._time()

    @on(Player.Failed)
    def _failed(self, message: Player.Failed) -> None:
        self._stop()
        self.main.tell_exception(message.error)

    @on(Sought)
    def _sought(self, message: Sought) -> None:
        self._go_to(message.seconds)

    def _step(self, step: int) -> None:
        """Arrow keys: pan what is enlarged, go through what has a length, else through the items."""
        strip = self.material.strip
        if self.player.playing:
            self.player.seek(step * SEEK_SECONDS)
            self._time()
        elif self._gone or self.item.type is MediaType.IMAGE:
            if self._magnifier.zoom > 1:
                self._pan(step, 0)
            else:
                self._turn_page(step)
        elif strip is not None:
            index = strip.nearest(self._seconds) + step
            self._go_to(strip.times[max(0, min(len(strip.times) - 1, index))])
        elif self.duration:
            self._go_to(self._seconds + step * self.duration / STEPS)

    def _go_to(self, seconds: float) -> None:
        if self.player.playing:
            self.player.seek(seconds, relative=False)
            return
        self._seconds = max(0.0, min(seconds, self.duration))
        strip = self.material.strip
        if strip is not None and self.item.type is MediaType.VIDEO and self.main.draws_pictures:
            index = strip.nearest(self._seconds)
            self.still.show(strip.sheet, box=strip.box(index))
        self._time()

    # Playing.

    async def _toggle(self) -> None:
        item = self.item
        if self.player.playing:
            self.player.toggle()
            self._time()
        elif item.type is MediaType.VIDEO or self.material.moving:
            await self._play()
        elif item.type is MediaType.AUDIO:
            await open_item(self.main, item)
        elif self.material.poster is None:
            await self._loading.file(item)
        else:
            self.say("This picture does not move.")

    async def _play(self) -> None:
        if not self.main.draws_pictures:
            hint = f"{self.press('open-outside')} opens it in a program."
            raise UsageError("clips cannot play here while pictures are off", hint=hint)
        item = self.item
        found = await self._loading.file(item)
        if found.path is not None and self.is_showing(item):
            self._stage("player")
            self.query_one("#ruler").display = True
            self.player.play(found.path, self._seconds)
            self._time()

    def _stop(self) -> None:
        self._seconds = self.player.seconds
        self.player.stop()
        self._stage("still")
        self.query_one("#ruler").display = not self._gone and self.item.type is not MediaType.IMAGE
        if self.material.strip is not None:
            self._go_to(self._seconds)
        self._time()

    def on_screen_suspend(self) -> None:
        """Something is in front: a clip behind it would only cost bytes."""
        if self.player.playing:
            self.player.pause(True)
            self._time()

    def _faster(self, steps: int) -> None:
        if self.player.playing:
            self.player.faster(steps)
            self._time()
        else:
            self.say(f"{self.press('play')} plays a clip; then its speed can be changed.")

    # Looking closer.

    def _enlarge(self) -> None:
        if not self.main.draws_pictures:
            raise UsageError("pictures are off", hint=f"{self.press('open-outside')} opens it in a program.")
        if self.material.poster is None or self.item.type is not MediaType.IMAGE or self.player.playing:
            hint = f"{self.press('play')} plays a clip, {self.press('stop')} ends that."
            raise UsageError("only pictures that stand still can be enlarged", hint=hint)
        self._magnifier.turn()
        self._show_part()

    def _pan(self, across: int, down: int) -> None:
        self._magnifier.pan(across, down)
        self._show_part()

    def _show_part(self) -> None:
        poster, zoom = self.material.poster, self._magnifier.zoom
        if poster is not None:
            self.still.show(poster, box=self._magnifier.part(poster))
            self.say("" if zoom == 1 else f"enlarged {zoom}×; arrows move, {self.press('zoom')} goes on")

    # Other items.

    def _turn_page(self, step: int) -> None:
        at = self._at + step
        if 0 <= at < len(self._keys):
            self._at = at
            self._show()
        else:
            self.say("This is the last one." if step > 0 else "This is the first one.")

    def _vertical(self, step: int) -> None:
        if self._magnifier.zoom > 1:
            self._pan(0, step)
        else:
            self._turn_page(step)

    # Keys.

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "next-item": lambda: self._turn_page(1),
            "previous-item": lambda: self._turn_page(-1),
            "down": lambda: self._vertical(1),
            "up": lambda: self._vertical(-1),
            "forward": lambda: self._step(1),
            "backward": lambda: self._step(-1),
            "start": lambda: self._go_to(0.0),
            "end": lambda: self._go_to(self.duration),
            "play": self._toggle,
            "stop": self._stop_playing,
            "faster": lambda: self._faster(1),
            "slower": lambda: self._faster(-1),
            "zoom": self._enlarge,
            "copy": lambda: copy_record(self.main, self.item),
            "open-outside": lambda: open_item(self.main, self.item, play=self._play),
            "open-with": lambda: choose_opener(self.main, self.item, play=self._play),
            "save": self._save,
            "back": self._back,
        }

    def _stop_playing(self) -> None:
        if self.player.playing:
            self._stop()

    async def _save(self) -> None:
        tell_saved(self.main, await self.main.ask(self.main.studio.save([self.item.id])))

    def _back(self) -> None:
        if self._magnifier.zoom > 1:
            self._magnifier.reset()
            self._show_part()
            return
        self.player.stop()
        self.dismiss(self._keys[self._at])
