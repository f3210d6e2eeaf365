"""What a client is told by mail: a file for each, its rules above its words (contract §1.4).

When a mail is sent is said by `bookings.lifecycle.effects`, how any mail looks by `notifications.letters`.
`settings.HANDLERS` names the class of each job type.
"""
