package boxoffice.peer;

import java.nio.file.Path;
import org.springframework.boot.context.properties.ConfigurationProperties;

/** What tests/load/bench-peers passes on the command line. */
@ConfigurationProperties("peer")
record Settings(Path keysFile, String redisSocket, int database, Path scripts, int triesAMinute) {}
