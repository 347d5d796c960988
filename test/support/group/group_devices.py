"""Devices of a group room in Python, for a test that compares them with those of the project.

Reads a JSON object per line, and answers each with one. The first argument is the folder of examples/python.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402

from group import Device  # noqa: E402
from grouproom import ExternalSender, GroupRoom  # noqa: E402

raw = bytes.fromhex
rooms, identities, senders = {}, {}, {}


def event(kind, *values):
    if kind == "message":
        envelope, is_external = values
        return ["external" if is_external else "message", envelope["key"], *envelope["lines"]]
    if kind == "epoch":
        change, by, removed = values
        return ["epoch", change, by.index, [leaf.index for leaf in removed]]
    if kind == "moved":
        return ["moved", values[0] and values[0].hex()]
    if kind in ("removed", "leaving"):
        return [kind, values[0].index]
    return [kind]


def do(name, do, **o):
    if do == "new":
        identities[name] = Ed25519PrivateKey.from_private_bytes(raw(o["identitySeed"]))
        device = Device(raw(o["deviceSeed"]), identities[name], o["label"])
        rooms[name] = GroupRoom(raw(o["groupHash"]), device)
        return {"credential": device.credential.hex(), "key": device.key.hex()}
    room = rooms[name]
    if do == "take":
        try:
            events = [event(*each) for each in room.take(o["position"], raw(o["frame"]))]
        except ValueError as reason:
            events = [["nothing", str(reason)]]
        member, group = room.member, room.group
        return {
            "events": events,
            "epoch": group.epoch if group else -1,
            "context": group.context().hex() if group else "",
            "authenticator": member.authenticator.hex() if member else "",
            "needsInfo": room.needs_info,
            "leaving": sorted(device.hex() for device in room.leaving),
        }
    if do == "body":
        body = json.dumps({"kind": "message", "nick": name, "text": o["text"], **o["fields"]})[:-1].encode()
        if o.get("external"):
            try:
                sender = senders.get((name, room.group.epoch)) or ExternalSender(room.info, identities[name])
            except ValueError as reason:
                return {"refused": str(reason)}
            senders[name, room.group.epoch] = sender
            body = json.dumps({**json.loads(body + b"}"), **sender.fields})[:-1].encode()
            return {"frame": sender.seal(body, 0).hex()}
        return {"frame": room.seal(body, 0).hex()}
    if do == "changeLog":
        room.change_log()
        return {}
    if do == "info":
        return {"frame": room.group_info().hex()}
    if do == "leave":
        return {"frame": room.leave().hex()}
    try:
        if do == "create":
            room.create(raw(o["groupId"]))
        elif do == "join":
            room.join()
        else:
            others = {leaf.index for leaf in room.group.leaves} - {room.member.index}
            removed = [index for index in o["removed"] if index in others]
            room.commit(o["position"], removed, raw(o["secret"]) if o["secret"] else None)
    except ValueError as reason:
        return {"refused": str(reason)}
    return {"frame": room.pending.frame.hex()}


for line in sys.stdin:
    print(json.dumps(do(**json.loads(line))), flush=True)
