"""Signs in at the federation service as a browser would, without one: follows redirects, keeps cookies, fills in
the form, and returns the fields of the form that posts itself to the relying party."""

import html.parser
import urllib.parse

import requests


class Page(html.parser.HTMLParser):
    """Every form of a page, with its named inputs; and the texts of its list items, where errors stand."""

    def __init__(self, text):
        super().__init__()
        self.forms, self.texts, self._collects = [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        a = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append({"id": a.get("id"), "name": a.get("name"), "action": a.get("action"), "inputs": {}})
        elif tag == "input" and self.forms and "name" in a:
            self.forms[-1]["inputs"][a["name"]] = a.get("value", "")
        if a.get("id") in ("errorText", "errorMessage", "errorDetails"):
            self._collects = a["id"]
        elif a.get("id"):
            self._collects = self._collects if tag == "li" else None

    def handle_data(self, data):
        if self._collects and data.strip():
            self.texts[self._collects] = (self.texts.get(self._collects, "") + " " + data.strip()).strip()

    def form(self, key, value):
        return next((form for form in self.forms if form[key] == value), None)


class SignInFailed(Exception):
    """The service showed something else than a form; the text is what it says."""


def session(ca, language="en"):
    """A browser with an empty cookie jar."""
    s = requests.Session()
    s.verify = ca
    s.trust_env = False
    s.headers["Accept-Language"] = language
    return s


def sign_in(s, url, user, password):
    """Returns (action, fields) of the response form."""
    answer = s.get(url, timeout=30)
    for _ in range(2):
        page = Page(answer.text)
        response = page.form("name", "hiddenform")
        if response:
            return response["action"], response["inputs"]
        login = page.form("id", "loginForm")
        if not login or page.texts.get("errorText"):
            raise SignInFailed(" ".join(page.texts.values()) or answer.text[:2000])
        fields = {**login["inputs"], "UserName": user, "Password": password}
        fields.pop("Kmsi", None)
        answer = s.post(urllib.parse.urljoin(answer.url, login["action"]), data=fields, timeout=30)
    page = Page(answer.text)
    response = page.form("name", "hiddenform")
    if response:
        return response["action"], response["inputs"]
    raise SignInFailed(" ".join(page.texts.values()) or answer.text[:2000])
