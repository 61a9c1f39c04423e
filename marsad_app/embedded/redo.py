"""Sends quarantined items through the pipeline again."""

from marsad.errors import CodecError
from marsad.records import Entry, Quarantined, decode
from marsad_app.embedded.store import Store

__all__ = ["redo"]


def redo(store: Store, item: Quarantined) -> str:
    """Queue the item's entry again and forget its row, both or neither; why that is not possible, or nothing."""
    try:
        entry = decode(Entry, item.payload)
    except CodecError:
        return f"what the {item.stage} stage kept is no entry; the feed is asked for it again at its next poll"
    with store.database.write():
        store.queue.redo(entry.entry_id, entry)
        store.quarantine.drop_quarantined(item.id)
    return ""
