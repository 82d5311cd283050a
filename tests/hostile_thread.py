"""A thread in which every field tries to become markup; patches too long, and too short."""

from __future__ import annotations

PAYLOADS = (
    "<script>document.title='owned'</script>",
    "</script><script>document.title='owned'</script>",
    "</style></pre></title></textarea><h1>owned</h1>",
    "--></script><!--",
    "<img src=x onerror=\"document.title='owned'\">",
    '" onmouseover="document.title=\'owned\'" x="',
    "' autofocus onfocus='document.title=1'",
    "<a href=\"javascript:document.title='owned'\">here</a>",
    "javascript:document.title='owned'",
    "]]><svg/onload=alert(1)>",
    "&lt;script&gt;&#x3c;script&#x3e;&amp;",
    "{{7*7}}${7*7}<%= 7 %>",
)
HOSTILE = "".join(PAYLOADS[:2])
_CONTROL = "\x1b[31mred\x07\x9b2J\u202eoverride"
_BROKEN = b"\xff\xfe\xc3\x28 broken \xed\xa0\x80"

_CODE = """\
int demo(struct demo *d)
{
	spin_lock(&d->lock);
	if (d->dead) /* MARK */
		return -EINVAL;
	spin_unlock(&d->lock);
	return 0;
}
"""


def _mail(number: int, subject: str, body: str, *, answers: int | None = None) -> bytes:
    reply = f"In-Reply-To: <{answers}@{_domain()}>\n" if answers else ""
    head = (
        "From mboxrd@z Thu Jan  1 00:00:00 1970\n"
        f'From: "{PAYLOADS[0]}" <a@b.example>\n'
        f"Message-ID: <{number}@{_domain()}>\n"
        f"Date: Mon, 02 Mar 2026 09:{number:02}:00 +0000\n"
        f"{reply}Subject: {subject}\n"
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    )
    return head.encode() + body.encode() + b"\n" + _BROKEN + b"\n\n"


def _domain() -> str:
    return "x\"onload='1'?#&." + "long" * 30 + ".example"


def _new_file(path: str, rows: list[str]) -> str:
    added = "".join(f"+{row}\n" for row in rows)
    head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
    return f"{head}@@ -0,0 +1,{len(rows)} @@ \n{added}"


def _patch_body() -> str:
    rows = _CODE.replace("MARK", "".join(PAYLOADS) + _CONTROL).splitlines()
    rows += [f"/* {payload} */" for payload in PAYLOADS]
    path = "drivers/<script>alert(1)<!--'\"&.c"
    listed = "\n\n".join(PAYLOADS)
    return f"Text.\n\n{listed}\n{_CONTROL}\n---\n{_new_file(path, rows)}{_new_file('b.c', rows)}"


def hostile_thread() -> bytes:
    """A patch, replies that quote it, a second version, and one without a diff, as a mailbox."""
    body = _patch_body()
    subject = f"[PATCH] {HOSTILE}{_CONTROL}"
    answer = "> +\t\treturn -EINVAL;\n\nThis is wrong, the lock is held.\n\n" + "\n\n".join(
        PAYLOADS
    )
    quoted = "".join(f"> {row}\n" for row in body.splitlines()[-9:]) + "\n" + _CONTROL + answer
    return (
        _mail(1, subject, body)
        + _mail(2, f"Re: {subject}", f"On day one a wrote:\n{answer}", answers=1)
        + _mail(3, f"Re: {subject}", f"On day one a wrote:\n{quoted}", answers=1)
        + _mail(4, subject.replace("[PATCH]", "[PATCH v2]"), body.replace("-EINVAL", "-EIO"))
        + _mail(5, subject.replace("[PATCH]", "[PATCH v3]"), "No diff.")
    )


def big_patch(
    rows: int, row: str = "\tdemo_call(a, b); /* a row as long as rows of C are */"
) -> bytes:
    """A patch that adds many rows, and a function that returns with its lock held."""
    added = [*_CODE.splitlines(), "", "void demo_long(int a, int b)", "{", *[row] * rows, "}"]
    head = "From a Thu Jan  1 00:00:00 1970\nFrom: A <a@b.example>\nMessage-ID: <1@b.example>\n"
    return f"{head}Subject: [PATCH] demo: big\n\nText.\n---\n{_new_file('a.c', added)}".encode()


def quiet_patch() -> bytes:
    """A patch that nobody and no rule has anything to say about."""
    head = "From a Thu Jan  1 00:00:00 1970\nFrom: A <a@b.example>\nMessage-ID: <2@b.example>\n"
    rows = ["int demo(int a)", "{", "\treturn a;", "}"]
    return f"{head}Subject: [PATCH] demo: quiet\n\nText.\n---\n{_new_file('a.c', rows)}".encode()
