"""Files of forms: streamed under the home folder, up to a size, from people who are signed in."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.surfaces.uploads import Upload, limit_bytes, receive, uploads_folder

TOO_LARGE = "openbpo.too_large"


class HomeFile(UploadedFile):
    """A file that has arrived; where nobody takes it, it is gone when the request ends."""

    path: Path

    def close(self) -> None:
        """Close it, and leave nothing behind."""
        super().close()
        self.path.unlink(missing_ok=True)


class HomeUploadHandler(FileUploadHandler):
    """Writes each file to a temporary one under the home folder, and stops at the limit."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self._left = limit_bytes()
        self._file: Any = None
        self._path = Path()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file; nobody who is not signed in leaves any."""
        super().new_file(*args, **kwargs)
        user = getattr(self.request, "user", None)
        if user is None or not user.is_authenticated:
            raise SkipFile
        number, path = tempfile.mkstemp(dir=uploads_folder(), suffix=".part")
        self._file, self._path = os.fdopen(number, "w+b"), Path(path)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002 - Django's
        """Write on; at the limit the rest is read and thrown away, and the page says so."""
        self._left -= len(raw_data)
        if self._left < 0:
            self.upload_interrupted()
            self.request.META[TOO_LARGE] = True
            raise StopUpload(connection_reset=False)
        self._file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        """Give the file to the form."""
        self._file.flush()
        file = HomeFile(
            self._file, self.file_name, self.content_type, file_size, self.charset,
            self.content_type_extra,
        )  # fmt: skip
        file.path = self._path
        return file

    def upload_interrupted(self) -> None:
        """Leave nothing behind."""
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)


class FileForm(forms.Form):
    """One file, in a plain field that a script lets one drop on."""

    file = forms.FileField(
        label=gettext_lazy("The file"),
        help_text=gettext_lazy("CSV, XLSX, JSON lines or XES, plain or gzip."),
        allow_empty_file=True,
        max_length=1_000,
        widget=forms.FileInput(
            attrs={"data-drop": "", "accept": ".csv,.tsv,.txt,.xlsx,.json,.jsonl,.ndjson,.xes,.gz"}
        ),
    )

    def __init__(self, request: HttpRequest, **more: Any) -> None:
        is_post = request.method == "POST"
        super().__init__(request.POST if is_post else None, request.FILES if is_post else None,
                         **more)  # fmt: skip
        self._request = request

    def clean(self) -> dict[str, Any]:
        """Refuse none, several, and one that was too large to arrive."""
        cleaned = super().clean() or self.cleaned_data
        if self._request.META.get(TOO_LARGE):
            self.errors.pop("file", None)
            size = limit_bytes() // 1_000_000
            self.add_error("file", _(
                "The file is larger than %(size)s MB. Send it gzipped, or in parts; whoever runs "
                "this may raise OPENBPO_UPLOAD_MB.") % {"size": size})  # fmt: skip
        elif len(self._request.FILES.getlist("file")) > 1:
            self.add_error("file", _("Several files came at once. Bring one at a time."))
        elif (file := cleaned.get("file")) is not None and file.size == 0:
            self.add_error("file", _("The file is empty. Export it again."))
        return cleaned

    def taken(self, *, owner: str, engagement_id: str = "") -> Upload:
        """Take the file that the form holds."""
        file = self.cleaned_data["file"]
        return receive(file.path, name=file.name, owner=owner, engagement_id=engagement_id)


__all__ = ["FileForm", "HomeUploadHandler"]
