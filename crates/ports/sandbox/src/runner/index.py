"""Prints the hosts, one a line, where indexes keep the files of a package; the arguments are its pages there."""

import json
import sys
from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import Request, urlopen

KINDS = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.5, text/html;q=0.1"
LARGEST = 64 << 20


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self.found += [value for name, value in attributes if name == "href" and value]


def files(page):
    try:
        answer = urlopen(Request(page, headers={"Accept": KINDS}), timeout=60)
    except HTTPError as error:
        if error.code == 404:
            return []
        raise
    with answer:
        text = answer.read(LARGEST).decode()
        if answer.headers.get_content_type().endswith("json"):
            found = [file["url"] for file in json.loads(text)["files"]]
        else:
            links = Links()
            links.feed(text)
            found = links.found
        return [urljoin(answer.url, file) for file in found]


hosts = set()
for page in sys.argv[1:]:
    try:
        parts = [urlsplit(file) for file in files(page)]
        hosts |= {f"{part.hostname}:{part.port or 443}" for part in parts if part.scheme == "https"}
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"the index does not answer at {page}: {error}")
if not hosts:
    sys.exit("the index has no file of it")
print("\n".join(sorted(hosts)))
