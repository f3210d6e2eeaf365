"""Admin's box over a small table: it finds what the API's lists find (contract §6a "search")."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from staff.wire.filters import every_word


class FoldedSearch(admin.ModelAdmin):
    """Every word stands in one of `search_fields`; case, accents and apostrophes do not count."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return every_word(queryset, search_term, fields=self.get_search_fields(request)), False
