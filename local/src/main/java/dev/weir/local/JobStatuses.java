package dev.weir.local;

import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobCondition;
import io.fabric8.kubernetes.api.model.batch.v1.JobConditionBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.JobStatus;
import io.fabric8.kubernetes.api.model.batch.v1.JobStatusBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.UncountedTerminatedPods;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a Job's status says. Pure. */
final class JobStatuses {
    private JobStatuses() {}

    /** How a job ends. */
    enum End {
        COMPLETE("Complete", "SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods"),
        TOO_MANY_FAILURES(
                "Failed", "FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit"),
        TOO_LATE("Failed", "FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline");

        private final String type;
        private final String before;
        private final String reason;
        private final String message;

        End(String type, String before, String reason, String message) {
            this.type = type;
            this.before = before;
            this.reason = reason;
            this.message = message;
        }

        String eventType() {
            return this == COMPLETE ? "Normal" : "Warning";
        }

        String eventReason() {
            return this == COMPLETE ? "Completed" : reason;
        }

        String message() {
            return this == COMPLETE ? "Job completed" : message;
        }
    }

    /**
     * Pods by what has become of them.
     *
     * @param completed the indexes that are done, of an indexed job
     */
    record Counts(int active, int ready, int succeeded, int failed, Optional<Set<Integer>> completed) {}

    static boolean finished(Job job) {
        return finish(job).isPresent();
    }

    /** @param how {@code Complete} or {@code Failed} */
    static boolean finished(Job job, String how) {
        return finish(job).filter(condition -> condition.getType().equals(how)).isPresent();
    }

    private static Optional<JobCondition> finish(Job job) {
        return conditions(job.getStatus()).stream()
                .filter(c -> List.of("Complete", "Failed").contains(c.getType())
                        && c.getStatus().equals("True"))
                .findFirst();
    }

    /** When it finished; the job must have. */
    static Instant finishTime(Job job) {
        return Instant.parse(finish(job).orElseThrow().getLastTransitionTime());
    }

    private static List<JobCondition> conditions(@Nullable JobStatus status) {
        return status == null ? List.of() : status.getConditions();
    }

    static boolean suspended(@Nullable JobStatus status) {
        return conditions(status).stream()
                .anyMatch(c -> c.getType().equals("Suspended") && c.getStatus().equals("True"));
    }

    static JobStatus next(Job job, Counts counts, Optional<End> end, Instant now) {
        String time = now.truncatedTo(ChronoUnit.SECONDS).toString();
        JobStatus before = job.getStatus() == null ? new JobStatus() : job.getStatus();
        boolean suspend = Boolean.TRUE.equals(job.getSpec().getSuspend());
        String start = before.getStartTime() == null ? time : before.getStartTime();
        JobStatusBuilder status = new JobStatusBuilder()
                .withActive(counts.active() == 0 ? null : counts.active())
                .withReady(counts.ready())
                .withTerminating(0)
                .withSucceeded(counts.succeeded() == 0 ? null : counts.succeeded())
                .withFailed(counts.failed() == 0 ? null : counts.failed())
                .withStartTime(suspend ? null : start)
                .withUncountedTerminatedPods(new UncountedTerminatedPods());
        counts.completed().ifPresent(done -> status.withCompletedIndexes(ranges(done)));
        List<JobCondition> conditions = new ArrayList<>(before.getConditions());
        if (suspend != suspended(before)) {
            conditions.removeIf(c -> c.getType().equals("Suspended"));
            conditions.add(condition(
                    "Suspended",
                    suspend,
                    suspend ? "JobSuspended" : "JobResumed",
                    suspend ? "Job suspended" : "Job resumed",
                    time));
        }
        end.ifPresent(how -> {
            conditions.add(condition(how.before, true, how.reason, how.message, time));
            conditions.add(condition(how.type, true, how.reason, how.message, time));
            if (how == End.COMPLETE) {
                status.withCompletionTime(time);
            }
        });
        return status.withConditions(conditions).build();
    }

    private static JobCondition condition(String type, boolean value, String reason, String message, String time) {
        return new JobConditionBuilder()
                .withType(type)
                .withStatus(value ? "True" : "False")
                .withReason(reason)
                .withMessage(message)
                .withLastProbeTime(time)
                .withLastTransitionTime(time)
                .build();
    }

    /** Ascending numbers as {@code 0-2,5}. */
    static String ranges(Set<Integer> numbers) {
        StringBuilder text = new StringBuilder();
        Integer first = null;
        Integer last = null;
        for (Integer number : numbers) {
            if (last != null && first != null && number == last + 1) {
                last = number;
                continue;
            }
            append(text, first, last);
            first = number;
            last = number;
        }
        append(text, first, last);
        return text.toString();
    }

    private static void append(StringBuilder text, @Nullable Integer first, @Nullable Integer last) {
        if (first == null || last == null) {
            return;
        }
        text.append(text.isEmpty() ? "" : ",").append(first);
        if (last > first) {
            text.append(last == first + 1 ? "," : "-").append(last);
        }
    }
}
