"""Fills the database of a stopped Samba AD DC: populate.py SMB.CONF. Run by tests/it/support/samba.rs."""

import sys
import time

import ldb
from samba.auth import system_session
from samba.credentials import Credentials
from samba.dcerpc import security
from samba.ndr import ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB
from samba.sd_utils import SDUtils

PASSWORD = "Passw0rd!User"
SERVICE_PASSWORD = "Svc-Passw0rd!"
BIG = 1600
MINUTE = 60 * 10**7

lp = LoadParm()
lp.load(sys.argv[1])
credentials = Credentials()
credentials.guess(lp)
db = SamDB(url=lp.private_path("sam.ldb"), lp=lp, session_info=system_session(lp), credentials=credentials)
base = db.domain_dn()
dns = lp.get("realm").lower()


def modify(dn, controls=None, **values):
    message = ldb.Message(ldb.Dn(db, dn))
    for name, value in values.items():
        value = value if isinstance(value, list) else [str(value)]
        message[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
    db.modify(message, controls or [])


def quoted(password):
    return ('"%s"' % password).encode("utf-16-le")


def filetime(days):
    return int((time.time() + days * 86400 + 11644473600) * 10**7)


def sid_of(dn):
    found = db.search(dn, scope=ldb.SCOPE_BASE, attrs=["objectSid"])
    return ndr_unpack(security.dom_sid, found[0]["objectSid"][0])


def person(login, family, given, unit, **more):
    name = f"{family} {given}" if unit == "営業部" else f"{given} {family}"
    escaped = name.replace(",", "\\,")
    dn = f"CN={escaped},OU={unit},OU=Corp,{base}"
    entry = {
        "dn": dn, "objectClass": "user", "sAMAccountName": login, "userPrincipalName": f"{login}@{dns}",
        "sn": family, "givenName": given, "displayName": name, "mail": f"{login}@{dns}", "department": unit,
        "unicodePwd": quoted(PASSWORD), "userAccountControl": "512",
    }
    entry.update(more)
    db.add(entry)
    return dn


def group(name, members=()):
    dn = f"CN={name},OU=Groups,OU=Corp,{base}"
    entry = {"dn": dn, "objectClass": "group", "sAMAccountName": name, "groupType": "-2147483646"}
    if members:
        entry["member"] = list(members)
    db.add(entry)
    return dn


def service(login, principals=()):
    dn = f"CN={login},OU=Service,OU=Corp,{base}"
    entry = {
        "dn": dn, "objectClass": "user", "sAMAccountName": login, "userPrincipalName": f"{login}@{dns}",
        "unicodePwd": quoted(SERVICE_PASSWORD), "userAccountControl": "66048", "msDS-SupportedEncryptionTypes": "24",
    }
    if principals:
        entry["servicePrincipalName"] = list(principals)
    db.add(entry)
    return dn


def policy(name, precedence, length, threshold, duration, applies_to):
    db.add({
        "dn": f"CN={name},CN=Password Settings Container,CN=System,{base}", "objectClass": "msDS-PasswordSettings",
        "msDS-PasswordSettingsPrecedence": str(precedence), "msDS-PasswordReversibleEncryptionEnabled": "FALSE",
        "msDS-PasswordHistoryLength": "3", "msDS-PasswordComplexityEnabled": "TRUE",
        "msDS-MinimumPasswordLength": str(length), "msDS-MinimumPasswordAge": "0",
        "msDS-MaximumPasswordAge": str(-30 * 24 * 60 * MINUTE), "msDS-LockoutThreshold": str(threshold),
        "msDS-LockoutObservationWindow": str(-30 * MINUTE), "msDS-LockoutDuration": str(duration),
        "msDS-PSOAppliesTo": applies_to,
    })


db.transaction_start()
for unit in ("OU=Corp", "OU=営業部,OU=Corp", "OU=Engineering,OU=Corp", "OU=Groups,OU=Corp", "OU=Service,OU=Corp",
             "OU=Big,OU=Corp"):
    db.add({"dn": f"{unit},{base}", "objectClass": "organizationalUnit"})
# Five wrong passwords within 30 minutes lock for 30 minutes; passwords live 42 days.
modify(base, lockoutThreshold=5, lockoutDuration=-30 * MINUTE, lockOutObservationWindow=-30 * MINUTE, minPwdAge=0)

tanaka = person("tanaka", "田中", "太郎", "営業部", title='a&<b>"c]]>')
suzuki = person("suzuki", "鈴木", "花子", "営業部", userPrincipalName="hanako.suzuki@corp.example.jp")
yoshida = person("吉田", "𠮷田", "潤", "営業部", mail=f"yoshida@{dns}")
alice = person("alice", "Anderson", "Alice", "Engineering")
bob = person("bob", "Brown", "Bob", "Engineering")
dave = person("dave", "Davis, Jr.", "Dave", "Engineering")
strict = person("strict", "Strict", "Stella", "Engineering")
primary = person("primary", "Primary", "Pia", "Engineering")
disabled = person("disabled", "Disabled", "Dan", "Engineering")
expired = person("expired", "Expired", "Pat", "Engineering")
mustchange = person("mustchange", "Must", "Chang", "Engineering")
expired_account = person("expiredaccount", "Expired", "Acct", "Engineering")
hours = person("hours", "Night", "Only", "Engineering")
locked = person("locked", "Locked", "Lou", "Engineering")
boss = person("boss", "Boss", "Betty", "Engineering")

# all-staff > eng-all > eng-core > alice, bob; all-staff > 営業 > tanaka, suzuki, 吉田
core = group("eng-core", [alice, bob])
eng = group("eng-all", [core, dave])
sales = group("営業", [tanaka, suzuki, yoshida])
group("all-staff", [eng, sales])
# A circle of two, with bob in it.
first = group("loop-a", [bob])
second = group("loop-b", [first])
modify(first, member=[second, bob])
# The primary group of a person is in no memberOf, and is itself a member of another.
own = group("primary-own", [primary])
group("primary-parent", [own])
modify(primary, primaryGroupID=str(sid_of(own)).rsplit("-", 1)[1])
big = []
for number in range(BIG):
    big.append(f"CN=big{number:05d},OU=Big,OU=Corp,{base}")
    db.add({"dn": big[-1], "objectClass": "contact"})
group("big", [*big, alice])

modify(disabled, userAccountControl=514)
modify(mustchange, pwdLastSet=0)
modify(expired_account, accountExpires=filetime(-1))
modify(hours, logonHours=[b"\0" * 21])
modify(boss, adminCount=1)
# Only this local control lets a time of one's own through.
aged = ["local_oid:1.3.6.1.4.1.7165.4.3.12:0"]
modify(expired, aged, pwdLastSet=filetime(-100))

# Fine-grained policies: a long password for dave; three tries, and locked until an administrator unlocks, for strict.
policy("long", 1, 14, 5, -30 * MINUTE, dave)
policy("three-tries", 2, 7, 3, -(2**63), strict)

reader = service("svc-sekisho")
reset = service("svc-reset")
service("http-sekisho", [f"HTTP/sso.{dns}", "HTTP/localhost", "HTTP/sso.localhost"])
sd = SDUtils(db)
# Fine-grained policies are for administrators' eyes unless somebody lets others read them.
sd.dacl_add_ace(f"CN=Password Settings Container,CN=System,{base}", f"(A;CI;LCRPLORC;;;{sid_of(reader)})")
# Reset a password, unlock, and set "must change at next logon", on people alone.
user_class = "bf967aba-0de6-11d0-a285-00aa003049e2"
for right in ("CR;00299570-246d-11d0-a768-00aa006e0529", "RPWP;bf967a0a-0de6-11d0-a285-00aa003049e2",
              "RPWP;28630ebf-41d5-11d1-a9c1-0000f80367c1"):
    sd.dacl_add_ace(f"OU=Corp,{base}", f"(OA;CIIO;{right};{user_class};{sid_of(reset)})")
db.transaction_commit()
