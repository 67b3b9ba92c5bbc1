#!/usr/bin/env python3
"""A person at a browser without script. Clients start it as their `$BROWSER`; a suite starts it with `--stay`.

It opens the URL, and on every page that comes fills in the fields it has an answer for and presses the first button or
link of its list that is there, until there is none, or the same page comes back. What it does stands in the JSON file that PERSON names:

    fields   what to write where, by the names of the fields: {"username": "alice", "password": "…"}
    press    what to press, by value or label, the most wanted first: ["allow", "sign-in", …]
    jar      the file of its cookies; people do not share one
    visits   the file that gets one line of JSON a visit: the steps, and where the way ended

It holds to what a browser holds to where a door relies on it: cookies by host and not by port, `SameSite`, `__Host-`,
`Origin` and `Sec-Fetch-Site`, no `Referer`, and a 303 turns into a GET. It knows nothing of the door: only forms.
"""

import email.utils
import http.client
import json
import os
import ssl
import subprocess
import sys
import time
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

REDIRECTS = {301, 302, 303, 307, 308}
MOST_STEPS = 40


class Page(HTMLParser):
    """The title, the text, the forms and the links of a page."""

    def __init__(self, html):
        super().__init__()
        self.title, self.words, self.forms, self.links = "", [], [], []
        self._form, self._pressable, self._quiet = None, None, None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        have = dict(attributes)
        if tag in ("title", "script", "style"):
            self._quiet = tag
        elif tag == "form":
            self._form = {"method": have.get("method", "get").upper(), "action": have.get("action"), "fields": [],
                          "buttons": []}
            self.forms.append(self._form)
        elif tag == "input" and self._form is not None:
            kind = have.get("type", "text")
            ticked = kind not in ("checkbox", "radio") or "checked" in have
            if kind == "submit":
                self._form["buttons"].append({"name": have.get("name"), "value": have.get("value", ""), "label": ""})
            elif have.get("name") and ticked:
                self._form["fields"].append({"name": have["name"], "kind": kind, "value": have.get("value") or "",
                                             "required": "required" in have})
        elif tag == "button" and self._form is not None:
            self._pressable = {"name": have.get("name"), "value": have.get("value", ""), "label": "",
                               "lenient": "formnovalidate" in have}
            self._form["buttons"].append(self._pressable)
        elif tag == "a" and have.get("href"):
            self._pressable = {"href": have["href"], "value": "", "label": ""}
            self.links.append(self._pressable)

    def handle_endtag(self, tag):
        if tag == self._quiet:
            self._quiet = None
        elif tag == "form":
            self._form = None
        elif tag in ("button", "a"):
            self._pressable = None

    def handle_data(self, data):
        if self._quiet == "title":
            self.title += data
        elif self._quiet is None:
            self.words.append(data)
            if self._pressable is not None:
                self._pressable["label"] += data

    def wanted(self, press):
        """The form and button, or the link, that is wanted most."""
        there = [(form, button) for form in self.forms for button in form["buttons"]]
        there += [(None, link) for link in self.links]
        for word in press:
            for form, button in there:
                if word.lower() in (button["value"].lower(), " ".join(button["label"].split()).lower()):
                    return form, button
        return None


class Jar:
    """The cookies of one person, kept in a file."""

    def __init__(self, path):
        self.path, self.cookies = path, []
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.cookies = json.load(file)

    def take(self, url, lines):
        """Stores what a response sets."""
        at = urlsplit(url)
        for line in lines:
            (pair, *rest), secure = line.split(";"), at.scheme == "https"
            name, _, value = pair.strip().partition("=")
            said = {key.strip().lower(): text.strip() for key, _, text in (each.partition("=") for each in rest)}
            path = said.get("path", "/") if said.get("path", "/").startswith("/") else "/"
            if "secure" in said and not secure:
                continue
            if name.startswith("__Host-") and not ("secure" in said and path == "/" and "domain" not in said):
                continue
            old = lambda each: (each["host"], each["name"], each["path"]) == (at.hostname, name, path)
            self.cookies = [each for each in self.cookies if not old(each)]
            until = None
            if "max-age" in said:
                until = time.time() + int(said["max-age"])
            elif "expires" in said:
                until = email.utils.parsedate_to_datetime(said["expires"]).timestamp()
            if until is None or until > time.time():
                self.cookies.append({"host": at.hostname, "name": name, "value": value, "path": path, "until": until,
                                     "secure": "secure" in said, "site": said.get("samesite", "lax").lower()})
        if self.path:
            with open(f"{self.path}.new", "w", encoding="utf-8") as file:
                json.dump(self.cookies, file)
            os.replace(f"{self.path}.new", self.path)

    def give(self, url, method, site):
        """The `Cookie` header of a request."""
        at, far = urlsplit(url), site == "cross-site"

        def goes(each):
            path, alive = each["path"].rstrip("/"), each["until"] is None or each["until"] > time.time()
            under = at.path == path or at.path.startswith(path + "/")
            hidden = far and (each["site"] == "strict" or (each["site"] == "lax" and method != "GET"))
            return (alive and under and not hidden and each["host"] == at.hostname
                    and (not each["secure"] or at.scheme == "https"))

        return "; ".join(f"{each['name']}={each['value']}" for each in self.cookies if goes(each))


class Browser:
    """Goes from page to page."""

    def __init__(self, plan):
        self.fields, self.press = plan.get("fields", {}), plan.get("press", [])
        self.jar, self.steps = Jar(plan.get("jar")), []
        self.trust = ssl.create_default_context()

    def visit(self, url):
        """Walks until nothing is left to press; returns what it met."""
        method, form, begun_at, last = "GET", None, None, None
        while len(self.steps) < MOST_STEPS:
            url, page, status = self.load(method, url, form, begun_at)
            wanted = page.wanted(self.press)
            # The same question once more, after a wrong password for example: people would try again, this one does not.
            if wanted is None or (page.title, wanted[1]["label"], wanted[1]["value"]) == last:
                text = " ".join(" ".join(page.words).split())
                return {"steps": self.steps, "url": url, "status": status, "title": page.title, "text": text}
            begun_at, last = url, (page.title, wanted[1]["label"], wanted[1]["value"])
            method, url, form = self.pressed(url, *wanted)
        raise RuntimeError(f"the way does not end: {json.dumps(self.steps)}")

    def load(self, method, url, form, begun_at):
        """Loads a page through its redirects."""
        site, origin = Site(begun_at), None if begun_at is None else origin_of(begun_at)
        while len(self.steps) < MOST_STEPS:
            where = site.towards(url)
            response, html = self.request(method, url, form, where, origin)
            self.jar.take(url, response.headers.get_all("set-cookie") or [])
            to = response.headers.get("location")
            if response.status not in REDIRECTS or not to:
                return url, Page(html), response.status
            url = urljoin(url, to)
            if response.status == 303 or (response.status in (301, 302) and method == "POST"):
                method, form = "GET", None
            # A browser keeps no name of origin across sites.
            origin = origin if where == "same-origin" else "null"
        raise RuntimeError(f"redirects do not end: {json.dumps(self.steps)}")

    def request(self, method, url, form, site, origin):
        at = urlsplit(url)
        headers = {"Accept": "text/html,application/xhtml+xml", "User-Agent": "Mozilla/5.0 (a person of the lab)",
                   "Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document",
                   "Sec-Fetch-User": "?1", "Connection": "close"}
        if cookies := self.jar.give(url, method, site):
            headers["Cookie"] = cookies
        body = None
        if method == "POST":
            body = urlencode(form)
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin or "null"}
        self.steps.append({"method": method, "url": url})
        response = self.answered(at, method, body, headers)
        self.steps[-1]["status"] = response.status
        return response, response.read().decode("utf-8", "replace")

    def answered(self, at, method, body, headers):
        path = (at.path or "/") + (f"?{at.query}" if at.query else "")
        patience = time.monotonic() + 10
        while True:
            connect = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
            options = {"context": self.trust} if at.scheme == "https" else {}
            connection = connect(at.hostname, at.port, timeout=30, **options)
            try:
                connection.request(method, path, body, headers)
                return connection.getresponse()
            except ConnectionRefusedError:
                # The client opens its address only after it has opened the browser; this browser is quicker than people.
                if time.monotonic() > patience:
                    raise
                time.sleep(0.02)

    def pressed(self, url, form, button):
        """What the browser does for a button or a link: method, URL, form."""
        self.steps[-1]["pressed"] = " ".join(button["label"].split()) or button["value"]
        if form is None:
            return "GET", urljoin(url, button["href"]), None
        pairs = []
        for field in form["fields"]:
            value = field["value"]
            if field["kind"] != "hidden":
                value = self.fields.get(field["name"], value)
                if field["required"] and not value and not button.get("lenient"):
                    raise RuntimeError(f"nothing to write into `{field['name']}` at {url}")
            pairs.append((field["name"], value))
        if button["name"]:
            pairs.append((button["name"], button["value"]))
        action = urljoin(url, form["action"] or url)
        if form["method"] == "GET":
            return "GET", action.split("?")[0] + "?" + urlencode(pairs), None
        return "POST", action, pairs


class Site:
    """`Sec-Fetch-Site`: the farthest relation along a chain of redirects."""

    ORDER = ["none", "same-origin", "same-site", "cross-site"]

    def __init__(self, begun_at):
        self.begun_at, self.farthest = begun_at, "none"

    def towards(self, url):
        if self.begun_at is None:
            return "none"
        here, there = urlsplit(self.begun_at), urlsplit(url)
        if origin_of(self.begun_at) == origin_of(url):
            now = "same-origin"
        else:
            now = "same-site" if (here.scheme, here.hostname) == (there.scheme, there.hostname) else "cross-site"
        self.farthest = max(self.farthest, now, key=self.ORDER.index)
        return self.farthest


def origin_of(url):
    at = urlsplit(url)
    return f"{at.scheme}://{at.netloc}"


def main(arguments):
    if "--stay" not in arguments:
        # As any browser: who opened it goes on at once. Python's clients wait for this process before they listen.
        subprocess.Popen([sys.executable, __file__, "--stay", *arguments], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        return
    with open(os.environ["PERSON"], encoding="utf-8") as file:
        plan = json.load(file)
    browser, url = Browser(plan), arguments[-1]
    try:
        seen = browser.visit(url)
        seen["query"] = dict(parse_qsl(urlsplit(seen["url"]).query))
    except Exception as error:  # What went wrong is the suite's to read: it stands in the visit.
        seen = {"steps": browser.steps, "error": repr(error)}
    line = json.dumps(seen)
    if plan.get("visits"):
        with open(plan["visits"], "a", encoding="utf-8") as file:
            file.write(line + "\n")
    print(line)


main(sys.argv[1:])
