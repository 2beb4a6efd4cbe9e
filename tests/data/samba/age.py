"""Makes a password older than it is: age.py SMB.CONF ACCOUNT DAYS. Run by tests/it/support/samba.rs."""

import sys
import time

import ldb
from samba.auth import system_session
from samba.credentials import Credentials
from samba.param import LoadParm
from samba.samdb import SamDB

_, conf, account, days = sys.argv
lp = LoadParm()
lp.load(conf)
credentials = Credentials()
credentials.guess(lp)
db = SamDB(url=lp.private_path("sam.ldb"), lp=lp, session_info=system_session(lp), credentials=credentials)
found = db.search(db.domain_dn(), scope=ldb.SCOPE_SUBTREE, expression=f"(sAMAccountName={ldb.binary_encode(account)})")
message = ldb.Message(found[0].dn)
value = str(int((time.time() - float(days) * 86400 + 11644473600) * 10**7))
message["pwdLastSet"] = ldb.MessageElement([value], ldb.FLAG_MOD_REPLACE, "pwdLastSet")
# Only this local control lets a time of one's own through.
db.modify(message, ["local_oid:1.3.6.1.4.1.7165.4.3.12:0"])
