"""What a comment does: object, ask, suggest, agree, ...

The order of the tests is what was tried on real comments. Kinds overlap for people too; what
outcomes depend on is only whether a comment wants something.
"""

from __future__ import annotations

import re

from reviewer.mail.comment import Kind

_READ = 4000  # characters
_ONLY_A_TAG = 10  # words around a Reviewed-by that make no remark of it
_TRAILER = re.compile(
    r"^(?:[A-Z][A-Za-z]*-(?:by|off-by|and-tested-by|and-reviewed-by)|Cc|Link|Closes|Message-Id"
    r"|Suggested-by|Reported-by|Signed-off-by):[^\n]*$",
    re.MULTILINE,
)
_POLITE = re.compile(
    r"(?:but |and |the )?(?:otherwise|rest|other than that|apart from that|besides that|with that"
    r"(?: fixed| changed)?|everything else|aside from that)\b[^.\n]{0,60}"
    r"\b(?:good|fine|ok|okay|lgtm|nice|great|sense)\b[^.\n]{0,40}[.!]?",
    re.IGNORECASE,
)
_NIT = re.compile(
    r"^\W{0,3}(?:(?:tiny|super|very|ultra|small|minor|style|another|one|just an?|few|some|more)"
    r"[ -]+){0,3}(?:nit(?:s|pick\w*)?|typos?|minor)\b",
    re.IGNORECASE,
)
# USB and networks send NAKs too.
_NAK = re.compile(
    r"^\W{0,3}(?:(?:so|still|big|strong|clear|hard),? (?:a )?)?NAC?K(?:ed)?(?:\W|$)"
    r"|\bNAC?K(?:ed-by| from me| to th(?:is|e patch))\b",
    re.MULTILINE,
)
_AGREES = re.compile(
    r"^\W{0,3}(?:yes|yeah|yep|yup|ok|okay|sure|right|agreed?|indeed|ack(?:ed)?|lgtm|nice|great|good"
    r"|perfect|feel free to add|cool|fine|correct|exactly|excellent|awesome|neat|fair enough"
    r"|got it|i see|i agree"
    r"|makes sense|(?:that|this|it)(?:'s| is)? (?:makes? sense|looks?|seems?|is|right|true|fine"
    r"|good)|(?:both|all|these|they|the (?:patch|series|rest)) (?:patches )?looks? (?:good|fine|ok)"
    r"|looks? (?:good|fine|ok|okay|reasonable|right|correct|great|sane|sensible|much better)"
    r"|sounds? (?:good|fine|reasonable|great)|(?:i )?(?:really )?(?:like|love) (?:this|it|that)"
    r"|no problem|works for me|np|thanks|thank you|thx|will do|done|fixed|good (?:catch|point|idea)"
    r"|you(?:'re| are) (?:absolutely |completely )?right)\b",
    re.IGNORECASE,
)
_PRAISES = re.compile(
    r"(?:^|[.!]\s{1,4})(?:very )?(?:good|great|nice|excellent|perfect)[.!]+\s*$", re.IGNORECASE
)
_THANKS = re.compile(
    r"\b(?:thanks|thank you|thx|many thanks|cheers|appreciated?"
    r"|sorry (?:for|about) (?:the |my |being )?(?:late|delay))\b",
    re.IGNORECASE,
)
_BUT = re.compile(
    r"\b(?:but|however|though|although|except|unless|still|not|n't|instead|wrong|hm+|"
    r"could you|please|should|would be|maybe|perhaps)\b|n't\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"[;{][ \t]*$|^[ \t]*(?:if|for|while|return)\b ?\(?[^\n]{0,200}\)", re.MULTILINE)
_PROCESS = re.compile(
    r"\bFixes:|\bFixes tag|\bsplit (?:this|it|the|out|up|into)|\brebas(?:e|ed|ing)\b|\bchange-?log"
    r"|\bcommit (?:message|msg|log|description)|\bapplied\b|\bre-?send\b|\bresent\b"
    r"|\bseparate patch|\bseperate patch|\bown patch\b|\bcc:? stable|\bstable@|\bcover letter"
    r"|\bqueued\b|\bpicked up\b|\bcheckpatch|\bget_maintainer|\bsubject (?:line|prefix)"
    r"|\bsigned-off-by|\bsquash|\bversion history|\bmerged?\b to\b",
    re.IGNORECASE,
)
_MISREAD = re.compile(
    r"\b(?:do|did|don't|didn't) you (?:not )?mean\b|\byou (?:probably |surely )?(?:mean|meant)\b"
    r"|\boops\b|\bno idea\b|\bisn'?t (?:very |really |quite )?clear\b|\bnot (?:very )?clear\b",
    re.IGNORECASE,
)
_COSMETIC = re.compile(
    r"\bwhite ?space|\btypos?\b|\bstray\b|\b(?:blank|empty|new) ?lines?\b|\bsort(?:ed|ing)?\b"
    r"|\balphabetic\w*|\bnaming\b|\brenam\w+|\bindent\w*|\btabs?\b|\bs/[^/\n]{1,60}/[^/\n]{0,60}/?"
    r"|\bspaces?\b|\bspelling\b|\bmisspell\w*|\balign(?:ed|ment)?\b|\bcapital\w*|\bcomma\b"
    r"|\bfull stop\b|\bcomment style|\bline (?:is )?(?:too )?long|\bbraces?\b|\bparenthes[ei]s\b"
    r"|\b80 (?:col\w*|char\w*)|\breverse christmas|\bxmas\b",
    re.IGNORECASE,
)
_DEFECT = re.compile(
    r"\bleak\w*|\brac(?:e|es|y|ing)\b|\bdead-?lock\w*|\bmissing\b|\bconcurren\w+|\brcu\w*"
    r"|\buse[- ]after[- ]free|\bUAF\b|\bcrash\w*|\boops\b|\bpanic\b|\boverflow\w*|\bdouble[- ]free"
    r"|\bNULL\b|\bout[- ]of[- ]bounds?|\bcorrupt\w*|\bunsafe|\bhang\b",
    re.IGNORECASE,
)
_OBJECTS = re.compile(
    r"\bwrong\w*|\bincorrect\w*|\bbroken\b|\bbug(?:gy|s)?\b|\bunsafe\b|\bnot (?:safe|correct|right"
    r"|true|ok|okay|needed|necessary|enough|valid|allowed|good|acceptable|going to)\b|\bfails?\b"
    r"|\b(?:is|was|does|do|can|could|should|would|must|has|have|are|wo)n'?t\b|\bcannot\b"
    r"|\bproblem\w*|\bnever\b|\bbreaks?\b|\bdon'?t (?:like|think|see|understand|want)\b"
    r"|\bdo not\b|\bmust not\b|\bno need\b|\bunnecessary\b|\bredundant\b|\bpointless\b|\bno point\b"
    r"|\bugly\b"
    r"|\bhorrible\b|\buseless\b|\bwhy\b|\bstop\b|\bforg[eo]t\w*|\bregression\b|\bviolat\w+",
    re.IGNORECASE,
)
_SUGGESTS = re.compile(
    r"\bshould\b|\bcould\b|\bplease\b|\bpls\b|\bmaybe\b|\bperhaps\b|\binstead\b|\bbetter\b"
    r"|\bwould be (?:nice|good|better|cleaner|easier|great|nicer|simpler)\b|\bprefer\w*"
    r"|\bmakes? more sense\b|\bneeds? (?:to|a|an|\w+\(\))"
    r"|\bsuggest\w*|\bconsider\b|\bneeded\b|\bhow about\b|\bwhat about\b"
    r"|\bjust (?:use|do|make|drop|remove|return|call|move|pass)\b|\blet'?s\b|\bwe can\b"
    r"|\byou can\b|\bmight want\b|\bi(?:'d| would)\b|\buse \w+\(\)|^(?:use|drop|remove|move|add"
    r"|make|put|rename|keep|return|call|check|avoid|replace|turn|same here|ditto)\b",
    re.IGNORECASE | re.MULTILINE,
)
_OFFERS = re.compile(
    r"\b(?:can|could|should|shouldn't|can't|couldn't|would|wouldn't|might) (?:we|you|this|it|that"
    r"|the|i|not)\b|\bwhy not\b|\bwhy (?:don't|can't|do(?:es)?n't)|\bisn't\b|\bdoesn't\b|\baren't\b"
    r"|\bhow about\b|\bwhat about\b|\bbetter\b|\binstead\b|\bor (?:just|simply)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n[ \t]*\n")
_WORD = re.compile(r"[A-Za-z][\w']*")


def kind_of(text: str) -> Kind:
    """The kind of a comment, from its words alone. A text that says nothing is a remark."""
    said = _TRAILER.sub("", text[:_READ]).strip()
    if not said:
        return Kind.AGREEMENT if text.strip() else Kind.REMARK
    rest = _POLITE.sub("", said).strip()
    if len(_WORD.findall(rest)) < 3 and rest != said:
        return Kind.AGREEMENT
    words = len(_WORD.findall(rest))
    if said != text.strip() and words <= _ONLY_A_TAG and "?" not in rest:
        return Kind.AGREEMENT
    if _NIT.search(rest):
        return Kind.NIT
    if _NAK.search(rest):
        return Kind.OBJECTION
    return _pleased(rest, words) or _formal(rest, words) or _asking(rest) or _judging(rest)


def _pleased(text: str, words: int) -> Kind | None:
    """Agreement or thanks."""
    thanks = _THANKS.search(text)
    if "?" in text:
        return None
    plain = not (_BUT.search(text) or _PROCESS.search(text) or _SUGGESTS.search(text))
    if thanks and words <= 12 and plain:
        return Kind.AGREEMENT if _AGREES.match(text) and thanks.start() > 3 else Kind.THANKS
    if not _AGREES.match(text) or _BUT.search(text):
        return None
    objections, suggestions = len(_OBJECTS.findall(text)), len(_SUGGESTS.findall(text))
    if words > 25 and (objections or suggestions > 1):
        return None
    if _PROCESS.search(text) and "applied" in text.lower():
        return Kind.PROCESS
    return Kind.SUGGESTION if _CODE.search(text) else Kind.AGREEMENT


def _formal(text: str, words: int) -> Kind | None:
    """Process, a misunderstanding, or a nit."""
    process = len(_PROCESS.findall(text))
    if process > 1 or (process and words <= 40):
        return Kind.PROCESS
    if _MISREAD.search(text):
        return Kind.OBJECTION
    if words <= 22 and _COSMETIC.search(text) and not _DEFECT.search(text):
        return Kind.NIT
    return None


def _asking(text: str) -> Kind | None:
    """What a question is about; None when neither beginning nor end of the text is one."""
    sentences = [each.strip() for each in _SENTENCE.split(text) if each.strip()]
    asked = [each for each in (*sentences[:2], *sentences[-1:]) if each.endswith("?")]
    if not asked:
        return None
    if _DEFECT.search(text):
        return Kind.OBJECTION
    return Kind.SUGGESTION if any(map(_OFFERS.search, asked)) else Kind.QUESTION


def _judging(text: str) -> Kind:
    objections, suggestions = len(_OBJECTS.findall(text)), len(_SUGGESTS.findall(text))
    if objections > suggestions:
        return Kind.OBJECTION
    if suggestions:
        return Kind.SUGGESTION
    if _DEFECT.search(text):
        return Kind.OBJECTION
    return Kind.AGREEMENT if _PRAISES.search(text) else Kind.REMARK
