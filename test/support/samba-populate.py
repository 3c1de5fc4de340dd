#!/usr/bin/python3
"""samba-populate.py SMB.CONF: users and groups for a Samba domain that was just provisioned and does not run yet.

Everybody's password is "Pw-NAME1". Works on the database itself, without a server. Shapes: see samba.ts.
"""
import sys
import time

import ldb
from samba import dsdb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

TICKS = 10**7
DAY = 86400 * TICKS

lp = LoadParm()
lp.load(sys.argv[1])
db = SamDB(url=lp.private_path("sam.ldb"), session_info=system_session(), lp=lp)
base = db.domain_dn()
now = int((time.time() + 11644473600) * TICKS)


def modify(dn, **values):
    message = ldb.Message(ldb.Dn(db, str(dn)))
    for name, value in values.items():
        message[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
    db.modify(message)


def dn_of(name):
    return str(db.search(base, expression="(sAMAccountName=%s)" % name, attrs=[])[0].dn)


def user(name, **attributes):
    db.newuser(name, "Pw-%s1" % name, userou="OU=Staff", givenname=name, surname="Test", mailaddress="%s@example.org" % name)
    if attributes:
        modify(dn_of(name), **attributes)


def hold(group, *names):
    modify(dn_of(group), member=[dn_of(name) for name in names])


db.transaction_start()
# Three wrong passwords lock for a minute; passwords hold for 42 days, which is the default.
minute = str(-60 * TICKS)
modify(base, lockoutThreshold="3", lockoutDuration=minute, lockOutObservationWindow=minute, pwdProperties="0", minPwdAge="0", minPwdLength="4", pwdHistoryLength="0")
db.create_ou("OU=Staff,%s" % base)
db.create_ou("OU=Bulk,%s" % base)
for name in ("postern", "alice", "bob", "carol", "dave", "lockme"):
    user(name)
user("zoe", displayName="Zoë Größe", proxyAddresses=["SMTP:zoe.g@example.org", "smtp:zoe@old.example"])
user("renamed", userPrincipalName="upn@mail.example")
user("odd")
db.rename(dn_of("odd"), "CN=o'dd\\, (n*me),OU=Staff,%s" % base)
user("disabled", userAccountControl=str(dsdb.UF_NORMAL_ACCOUNT | dsdb.UF_ACCOUNTDISABLE))
user("acctexpired", accountExpires=str(now - 30 * DAY))
user("acctexpires", accountExpires=str(now + 300 * DAY))
user("mustchange", pwdLastSet="0")
user("nohours", logonHours=b"\0" * 21)
user("badstation", userWorkstations="NOSUCHPC")
# Until when the lock holds is computed from when it began, which is in the future here.
user("locked")
modify(dn_of("locked"), lockoutTime=str(now + 3650 * DAY), badPwdCount="3")
user("pwexpired")
# all-staff holds engineering holds backend holds alice; loop-a holds loop-b holds loop-c holds loop-a, and carol is in loop-a.
for name in ("backend", "engineering", "all-staff", "loop-a", "loop-b", "loop-c", "everyone", "letters", "letters-inner"):
    mail_only = name.startswith("letters")
    db.newgroup(name, groupou="OU=Staff", grouptype=dsdb.GTYPE_DISTRIBUTION_GLOBAL_GROUP if mail_only else None)
hold("backend", "alice")
hold("engineering", "backend")
hold("all-staff", "engineering")
hold("loop-b", "loop-c")
hold("loop-c", "loop-a")
hold("loop-a", "carol", "loop-b")
db.rename(dn_of("letters-inner"), "CN=letters\\, inner (2),OU=Staff,%s" % base)
hold("letters-inner", "alice")
hold("letters", "letters-inner")
contacts = []
for number in range(1, 1601):
    dn = "CN=bulk%04d,OU=Bulk,%s" % (number, base)
    db.add({"dn": dn, "objectClass": "contact"})
    contacts.append(dn)
modify(dn_of("everyone"), member=contacts + [dn_of("dave")])
db.transaction_commit()

# Samba's own modules let nobody say when a password was set: written below them.
raw = ldb.Ldb("tdb://" + lp.private_path("sam.ldb.d/%s.ldb" % base.upper()))
found = raw.search(expression="(sAMAccountName=pwexpired)", attrs=["pwdLastSet"])[0]
message = ldb.Message(found.dn)
message["pwdLastSet"] = ldb.MessageElement(str(now - 100 * DAY), ldb.FLAG_MOD_REPLACE, "pwdLastSet")
raw.modify(message)
