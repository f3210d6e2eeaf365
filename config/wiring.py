"""Who does what for whom: dotted paths, by which a room below calls one above (settings take them in)."""

# Job type -> dotted path of its handler class. `notifications` knows only the strings; a system check
# imports every path at start-up.
HANDLERS = {
    "booking.created": "bookings.mails.confirmation.ConfirmationMail",
    "booking.updated": "bookings.mails.update.UpdateMail",
    "booking.cancelled": "bookings.mails.cancellation.CancellationMail",
    "booking.provisional": "bookings.mails.request.RequestMail",
    "booking.lapsed": "bookings.mails.lapse.LapseMail",
    "visit.requested": "bookings.mails.online_request.RequestedMail",
    "visit.declined": "bookings.mails.online_request.DeclinedMail",
    "visit.request_lapsed": "bookings.mails.online_request.RequestLapsedMail",
    "visit.reminder": "bookings.mails.reminder.ReminderMail",
    "visit.code": "bookings.mails.code.CodeMail",
    "booking.resent": "bookings.mails.resent.ResentMail",
    "waitlist.confirmed": "bookings.mails.confirmation.WaitlistConfirmationMail",
    "waitlist.offer": "bookings.mails.waitlist_offer.WaitlistOfferMail",
    "review.request": "bookings.mails.review.ReviewMail",
    "followup.step": "bookings.mails.followup.FollowupMail",
    "noshow.fee": "bookings.jobs.noshow.CreateSession",
    "noshow.mail": "bookings.mails.noshow_fee.NoShowFeeMail",
    "noshow.expire": "bookings.jobs.noshow.ExpireSession",
    "noshow.refund": "bookings.jobs.noshow.RefundPayment",
    "password.reset": "notifications.password_reset.mail.PasswordResetMail",
    "channel.test": "notifications.channels.jobs.TestText",
    "channel.stopped": "notifications.channels.jobs.StoppedText",
    "webhook.deliver": "bookings.jobs.webhook_delivery.DeliverBooking",
}

# What an endpoint of /api/webhooks can ask to be told; `bookings.webhooks` says which change is which.
WEBHOOK_EVENTS = ("booking.created", "booking.updated", "booking.cancelled", "booking.status_changed")

# Dotted paths of functions that take `now`: called by the sweep every half minute, possibly twice at once.
PERIODIC = [
    "bookings.lifecycle.lapse_due",
    "bookings.lifecycle.lapse_unanswered",
    "bookings.lifecycle.remind_of_ended",
    "bookings.lifecycle.remind_of_waiting",
    "bookings.lifecycle.unconfirmed.look_after_unconfirmed",
    "bookings.reminders.sweep.keep_planned",
    "bookings.waitlist.sweep_offers",
    "bookings.slots.holds.sweep_expired",
    "bookings.online.forget.forget_old",
    "config.cache.forget_expired",
    "bookings.noshow.reconcile.reconcile",
    "notifications.channels.receipts.forget_old_receipts",
    "notifications.webhooks.order.pass_over_heads",
    "notifications.webhooks.retention.forget_old_deliveries",
    "staff.access.idempotency.forget_old_answers",
]

# How errors before any view is found are printed, by the beginning of the address.
EDGE_ERROR_FORMATS = {
    "/api/v1/": "bookings.dialects.simplespa.render.error",
    "/api/v3/": "bookings.dialects.eagenda.render.error",
    "/wp-admin/": "bookings.dialects.amelia.refusals.error",
}

# Who knows the bookings that a holiday, time off or a departure touches: `staff` is below bookings.
AFFECTED_BOOKINGS = "bookings.slots.affected.affected_bookings"

# Who confirms a visit for a number that wrote yes: `notifications` is below bookings. Without one, the desk
# is told.
CONFIRM_BY_REPLY = "bookings.lifecycle.by_reply.confirm_by_reply"

# The first page of admin: who tells what is today, and the lines of the set-up list in the order shown.
FIRST_PAGE_TODAY = "bookings.admin.today.today"
SETUP_LINES = [
    "staff.admin.setup.name",
    "staff.admin.setup.clock",
    "staff.admin.setup.services",
    "staff.admin.setup.people",
    "staff.admin.setup.hours",
    "staff.admin.setup.mail",
    "bookings.admin.setup.reminders",
    "staff.admin.setup.online_booking",
    "staff.admin.setup.proxy",
]

# Who reads clients' telephone numbers again when the salon's country has changed.
READ_NUMBERS_AGAIN = "clients.numbers.read_again"
