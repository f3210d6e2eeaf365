"""One handler per job type: re-read, re-check, tell. `settings.HANDLERS` names them."""

from bookings.jobs.appointment_mails import (
    Cancelled,
    Lapsed,
    Provisional,
    Updated,
    WaitlistConfirmed,
)
from bookings.jobs.fee_mails import NoShowFeeMail
from bookings.jobs.offer_mails import WaitlistOfferMail
from bookings.jobs.series_mail import SeriesCreated
from bookings.jobs.visit_mails import FollowupMail, ReviewRequest

tell_created = SeriesCreated()
tell_updated = Updated()
tell_cancelled = Cancelled()
tell_provisional = Provisional()
tell_lapsed = Lapsed()
tell_waitlist_confirmed = WaitlistConfirmed()
tell_waitlist_offer = WaitlistOfferMail()
ask_for_review = ReviewRequest()
send_followup_step = FollowupMail()
tell_noshow_fee = NoShowFeeMail()
