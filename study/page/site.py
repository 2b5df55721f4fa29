"""What all requests to one server share: its settings, its studies, its templates."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from analysis.report.templates import html_templates
from study.files.visible_text import visible
from study.page import words
from study.page.assets import Assets
from study.page.readings.chapters import Chapters
from study.page.readings.library import Library
from study.page.settings import PageSettings

_QUERIES_AT_ONCE = 2
_TEMPLATES = Path(__file__).parent / "templates"


class Site:
    """One server's studies, and how they are shown."""

    def __init__(self, settings: PageSettings, library: Library) -> None:
        self.settings = settings
        self.library = library
        self.assets = Assets()
        self.chapters = Chapters()
        self.queries = ThreadPoolExecutor(_QUERIES_AT_ONCE, thread_name_prefix="queries")
        self._templates = html_templates(_TEMPLATES)
        self._templates.finalize = _shown
        self._templates.globals |= {
            "url": self.url,
            "asset": self._asset_url,
            "words": words,
            "several_storages": len(settings.storages) > 1,
        }

    def tell_templates(self, **known: Any) -> None:
        """Have templates know something by a name."""
        self._templates.globals |= known

    def url(self, *parts: object) -> str:
        """Return the address of what the parts name: ``/x/s/LABEL/NAME``."""
        path = "/".join(quote(str(part), safe="") for part in parts)
        return f"{self.settings.base_path}/{path}"

    def page(self, template: str, content: Mapping[str, Any]) -> str:
        """Return a page, or a part of one."""
        return self._templates.get_template(template).render(content)

    def close(self) -> None:
        """Read and make nothing more."""
        self.library.close()
        self.chapters.close()
        self.queries.shutdown(wait=False, cancel_futures=True)

    def _asset_url(self, name: str) -> str:
        return f"{self.url('static', name)}?v={self.assets.version(name)}"


SITE = web.AppKey("site", Site)


def _shown(value: Any) -> Any:
    """Return what stands in a template as it is shown: text from outside doesn't act."""
    is_plain = isinstance(value, str) and not hasattr(value, "__html__")
    return visible(value) if is_plain else value
