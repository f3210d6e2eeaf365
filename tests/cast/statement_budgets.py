"""How many SQL statements each call of the access matrix takes: the table.

Counted is what a call made by somebody who may (`who_asks`) sends to the database with what the matrix sends
along (`tests.cast.access_calls`), in the salon of tests/whole/test_statement_budgets.py. Not counted
(`tests.cast.pages.statements_of`): savepoints, which is what the product's BEGIN and COMMIT are inside of a
test's transaction, and the table that throttles are counted in where there is no Redis. Counted is everything
else: whose token it is, locks, the `PRAGMA`s or `set_config` of a dry run, the note of a key's use (each call
by a key is its first in a minute). After the commit nobody asks the database, but for the worker.
"""

from __future__ import annotations

from functools import lru_cache

from tests.cast.access import Caller
from tests.cast.access_calls import best_of
from tests.cast.access_table import expected

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")

BUDGETS_TABLE = """
route                                     GET     POST    PUT     PATCH   DELETE
/api/bookings                             2       20      .       .       .
/api/bookings/changes                     2/3     .       .       .       .
/api/bookings/<id>                        2       .       23      23      19
/api/bookings/<id>/events                 3       .       .       .       .
/api/bookings/<id>/messages               4       16      .       .       .
/api/visits                               3       41      .       .       .
/api/visits/<id>                          3       .       31      31      24
/api/visits/<id>/take-over                .       9       .       .       .
/api/visits/<id>/evidence                 6       .       .       .       .
/api/agenda                               13/14   .       .       .       .
/api/availability                         9       .       .       .       .
/api/holds                                .       9       .       .       .
/api/holds/<token>                        .       .       .       .       7
/api/clients                              2       2       .       .       .
/api/clients/<id>                         2       .       3       3       4
/api/clients/walk-in                      .       3       .       .       .
/api/clients/<id>/card                    7       .       .       .       .
/api/clients/<id>/merge                   .       26      .       .       .
/api/waitlist                             2       8       .       .       .
/api/waitlist/<id>                        2       .       9       9       29
/api/waitlist/<id>/offer                  .       19      .       .       .
/api/reviews                              2       .       .       .       .
/api/reviews/summary                      2       .       .       .       .
/api/reviews/<id>                         2       .       .       .       .
/api/staff                                3       5       .       .       .
/api/staff/<id>                           3       .       5       5       7
/api/services                             2       2       .       .       .
/api/services/<id>                        2       .       4       4       4
/api/services/<id>/durations              3       .       5       .       3
/api/locations                            2       2       .       .       .
/api/locations/<id>                       2       .       3       3       3
/api/holidays                             2       5       .       .       .
/api/holidays/<id>                        2       .       6       6       3
/api/working-hours                        2       5       11      .       .
/api/working-hours/<id>                   2       .       9       9       7
/api/opening-exceptions                   3       11      .       .       .
/api/opening-exceptions/<id>              3       .       13      13      10
/api/time-off                             2       4       .       .       .
/api/time-off/<id>                        2       .       5       5       3
/api/settings                             1       .       4       4       .
/api/api-keys                             2       2       .       .       .
/api/api-keys/<id>                        2       .       2       2       3
/api/calendar-feeds                       2       4       .       .       .
/api/calendar-feeds/<id>                  .       .       .       .       3
/api/calendar-feeds/<id>/rotate           .       3       .       .       .
/api/followup-sequences                   3       5       .       .       .
/api/followup-sequences/<id>              3       .       5       5       4
/api/reminder-rules                       2       4       .       .       .
/api/reminder-rules/<id>                  2       .       3       3       3
/api/notifications                        2       .       .       .       .
/api/notifications/unread-count           2       .       .       .       .
/api/notifications/read-all               .       2       .       .       .
/api/notifications/<id>                   2       .       .       .       .
/api/notifications/<id>/read              .       3       .       .       .
/api/jobs                                 2       .       .       .       .
/api/jobs/<id>                            2       .       .       .       .
/api/jobs/<id>/retry                      .       5       .       .       .
/api/webhooks                             2       2       .       .       .
/api/webhooks/<id>                        2       .       4       4       7
/api/webhooks/<id>/deliveries             3       .       .       .       .
/api/webhooks/deliveries/<id>/replay      .       7       .       .       .
/api/channels                             2       2       .       .       .
/api/channels/<id>                        2       .       3       3       6
/api/channels/<id>/test                   .       5       .       .       .
/api/channels/<id>/receipts/<secret>      1       1       .       .       .
/api/channels/<id>/inbound/<secret>       1       1       .       .       .
/api/opt-outs                             2       .       .       .       .
/api/opt-outs/<id>/lift                   .       3       .       .       .
/api/inbound-texts                        2       .       .       .       .
/api/auth/login                           .       10      .       .       .
/api/auth/logout                          .       2       .       .       .
/api/auth/logout-all                      .       2       .       .       .
/api/auth/me                              1       .       .       .       .
/api/auth/password                        .       3       .       .       .
/api/auth/password-reset                  .       5       .       .       .
/api/auth/password-reset/confirm          .       4       .       .       .
/api/public/visits/<token>                3       .       .       .       .
/api/public/visits/<token>/confirm        .       20      .       .       .
/api/public/visits/<token>/cancel         .       31      .       .       .
/api/public/visits/<token>/note           .       22      .       .       .
/api/public/visits/<token>/reschedule     .       54      .       .       .
/api/public/visits/<token>/availability   13      .       .       .       .
/api/public/provisional/<token>           3       .       .       .       .
/api/public/provisional/<token>/accept    .       28      .       .       .
/api/public/provisional/<token>/decline   .       27      .       .       .
/api/public/feedback/<token>              3       6       .       .       .
/api/public/waitlist/<token>              4       .       .       .       .
/api/public/waitlist/<token>/take         .       54      .       .       .
/api/public/unsubscribe/<token>           2       4       .       .       .
/api/public/catalogue                     5       .       .       .       .
/api/public/availability                  13      .       .       .       .
/api/public/challenge                     0       .       .       .       .
/api/public/holds                         .       42      .       .       .
/api/public/bookings                      .       48      .       .       .
/provisional/<token>/accept               4       29      .       .       .
/provisional/<token>/decline              4       28      .       .       .
/feedback/<token>                         4       7       .       .       .
/waitlist/<token>                         4       55      .       .       .
/unsubscribe/<token>                      2       4       .       .       .
/password-reset/<token>                   2       6       .       .       .
/pay/<token>                              4       4       .       .       .
/v/<token>                                3       .       .       .       .
/v/<token>/confirm                        3       20      .       .       .
/v/<token>/cancel                         3       31      .       .       .
/v/<token>/move                           13      54      .       .       .
/v/<token>/note                           3       22      .       .       .
/v/<token>/calendar.ics                   3       .       .       .       .
/calendar/<token>.ics                     3       .       .       .       .
/^(?:provisional|feedback|pay|waitlist|unsubscribe|password-reset|v|calendar)(?:/.*)?$ 1 1 . . .
/                                         10      .       .       .       .
/robots.txt                               0       .       .       .       .
/favicon.ico                              1       .       .       .       .
/embed.js                                 0       .       .       .       .
/agenda                                   1       .       .       .       .
/book                                     5       5       .       .       .
/book/done                                1       .       .       .       .
/book/<location>                          5       5       .       .       .
/^book(?:/.*)?$ 1 1 . . .
/api/stripe/webhook                       .       0       .       .       .
/api/schema                               0       .       .       .       .
/api/docs                                 0       .       .       .       .
/healthz                                  0       .       .       .       .
/readyz                                   0       .       .       .       .
/metrics                                  0       .       .       .       .
/api/v1/appointments.php                  .       5       .       .       .
/api/v1/write/appointment-status.php      .       18      .       .       .
/api/v1/clients.php                       .       5       .       .       .
/api/v1/services.php                      .       4       .       .       .
/api/v1/staff.php                         .       4       .       .       .
/wp-admin/admin-ajax.php                  6       25      .       .       .
/api/v3/appointments                      6       28      .       .       .
/api/v3/appointments/<key>                4       .       .       27      27
/api/v3/appointments/<key>/reschedule     .       .       .       37      .
/api/v3/calendars                         4       .       .       .       .
/api/v3/services                          4       .       .       .       .
/api/v3/people                            4       .       .       .       .
/api/v3/accounts                          4       .       .       .       .
/api/dry-run/bookings                     .       42/40   .       .       .
/api/dry-run/bookings/<id>                .       .       45/43   45/43   34/32
/api/dry-run/visits                       .       64/62   .       .       .
/api/dry-run/visits/<id>                  .       .       53/51   53/51   39/37
/api/dry-run/holds                        .       19/17   .       .       .
/api/dry-run/holds/<token>                .       .       .       .       17/15
/api/dry-run/settings                     .       .       14/12   14/12   .
/api/dry-run/holidays                     .       15/13   .       .       .
/api/dry-run/holidays/<id>                .       .       16/14   16/14   13/11
/api/dry-run/time-off                     .       14/12   .       .       .
/api/dry-run/time-off/<id>                .       .       15/13   15/13   13/11
/api/dry-run/working-hours                .       15/13   21/19   .       .
/api/dry-run/working-hours/<id>           .       .       19/17   19/17   17/15
/api/dry-run/opening-exceptions           .       21/19   .       .       .
/api/dry-run/opening-exceptions/<id>      .       .       23/21   23/21   20/18
/api/dry-run/staff/<id>                   .       .       15/13   15/13   17/15
/api/dry-run/clients/<id>                 .       .       14/12   14/12   15/13
/api/dry-run/clients/<id>/merge           .       92/90   .       .       .
"""
"""`.`: there is no such method. `14/15`: fourteen on SQLite, fifteen on PostgreSQL. Exactly so many."""


@lru_cache
def budgets(vendor: str) -> dict[str, dict[str, int]]:
    """Route -> method -> statements, on this kind of database."""
    second = vendor == "postgresql"
    lines = [line.rsplit(maxsplit=len(VERBS)) for line in BUDGETS_TABLE.strip().splitlines()[1:]]
    cells = {route: zip(VERBS, row, strict=True) for route, *row in lines}
    assert len(cells) == len(lines), "a route stands twice in BUDGETS_TABLE"
    return {
        route: {verb: int(cell.split("/")[-1 if second else 0]) for verb, cell in row if cell != "."}
        for route, row in cells.items()
    }


def who_asks(route: str, method: str, callers: dict[str, Caller]) -> Caller:
    """Nobody in particular where anybody may; else as in the rest of the matrix."""
    nobody = callers["anonymous"]
    if expected(route, method, nobody, personal=False)[0] < 300:
        return nobody
    return best_of(route, method, callers)
