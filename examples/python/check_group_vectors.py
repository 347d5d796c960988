"""Recomputes the test vectors of group rooms: python3 check_group_vectors.py ../../test/vectors/group.json"""

import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import hpke
from group import Commit, Device, Info, create, info_of

vectors = json.load(open(sys.argv[1]))
raw = bytes.fromhex
devices = {}
checked = 0


def same(what, computed, expected):
    global checked
    checked += 1
    if computed.hex() != expected:
        sys.exit(f"{what} differs")


for each in vectors["devices"]:
    identity = Ed25519PrivateKey.from_private_bytes(raw(each["identitySeed"]))
    device = devices[each["owner"]] = Device(raw(each["deviceSeed"]), identity, each["label"])
    same("a credential", device.credential, each["credential"])
    same("a device key", device.key, each["devicePublicKey"])

members, info = {}, None
for step in vectors["steps"]:
    name = step["name"]
    device = devices[name.split()[0]]
    left = [raw(each) for each in step["random"]]

    def random(size):
        return left.pop(0)

    # As the committer.
    if "commit" not in step:
        own = create(raw(vectors["groupId"]), device, random)
    else:
        given = Commit.read(raw(step["commit"]))
        if given.external_init is None:
            commit, own = members[given.leaf.index].commit(device, given.removed, given.data, random)
        else:
            commit, own = info.join(device, given.removed, given.data, random)
        same(f"{name}: the commit", commit.format(), step["commit"])
        same(f"{name}: the content", given.format_content(), given.content.hex())
        # As each other member, and as a newcomer.
        members = {
            index: each.apply(given)
            for index, each in members.items()
            if index not in (*given.removed, own.index)
        }
        info = Info.read_update(given.check(info.group), raw(step["groupInfoUpdate"]))
        same(f"{name}: what a newcomer follows", info.format(devices[name.split()[0]]), step["groupInfo"])
    if left:
        sys.exit(f"{name}: not all random values were used")
    members[own.index] = own
    assert len(step["members"]) == len(members)

    for each in step["members"]:
        member = members[each["leaf"]]
        same(f"{name}: a private key", member.private, each["encryptionPrivateKey"])
        same(f"{name}: the init secret", member.init, step["initSecret"])
        same(f"{name}: the exporter secret", member.exporter, step["exporterSecret"])
        same(f"{name}: the external secret", member.external, step["externalSecret"])
        same(f"{name}: the epoch authenticator", member.authenticator, step["epochAuthenticator"])
        same(f"{name}: the group context", member.group.context(), step["groupContext"])
        same(f"{name}: the transcript hash", member.group.transcript, step["confirmedTranscriptHash"])
        same(f"{name}: the confirmation tag", member.group.tag, step["confirmationTag"])
        exported = member.export(vectors["export"]["label"].encode(), raw(vectors["export"]["context"]))
        same(f"{name}: the exported secret", exported, step["exportedSecret"])
    assert step["signer"] == own.index
    info = info_of(own, raw(vectors["applicationData"]))
    same(f"{name}: the group info", info.format(device), step["groupInfo"])
    same(f"{name}: the update", info.format_update(device), step["groupInfoUpdate"])
    assert Info.read(raw(step["groupInfo"])) == info

print(f"{checked} values agree")
