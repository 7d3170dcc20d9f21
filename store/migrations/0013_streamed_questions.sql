-- Questions to responders without a URL (an empty text in responders.url): asked by an event, answered by a call. Only a
-- sandbox has any. An hour after its deadline a question is deleted.

CREATE TABLE streamed_questions (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    responder @bytes NOT NULL CHECK (length(responder) = 12),
    about @text NOT NULL CHECK (about IN ('authorization', 'increment', 'test')),
    authorization_id @bytes,
    currency @text NOT NULL,
    approvable @int NOT NULL CHECK (approvable >= 0),
    partial_allowed @int NOT NULL CHECK (partial_allowed IN (0, 1)),
    asked_at @int NOT NULL,
    deadline @int NOT NULL,
    request @text NOT NULL,
    result @text,
    PRIMARY KEY (client, id)
) @long_rows;
CREATE INDEX streamed_questions_deadline ON streamed_questions (deadline);
