"""The view class under every endpoint that takes a body.

Names: GatedView.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.views import APIView

from staff.wire.gate import require_body

CARRIES_BODY = ("POST", "PUT", "PATCH", "DELETE")


class GatedView(APIView):
    """A view whose body is parsed (into `self.body`) before its handler runs, whether or not that reads it.

    `body_required` are the methods that refuse an empty body with 400.
    """

    body_required: ClassVar[frozenset[str]] = frozenset({"PUT", "PATCH"})
    body: Mapping[str, Any] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method in CARRIES_BODY and request.method in self.allowed_methods:
            if request.method in self.body_required:
                require_body(request)
            parsed = request.data
            self.body = parsed if isinstance(parsed, dict) else {}
